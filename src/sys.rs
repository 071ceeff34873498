//! Everything that talks to the operating system below the standard library. `unsafe` is allowed here and in
//! `model::cpu::matrix`, nowhere else.

use std::os::unix::ffi::OsStrExt;

/// Name of this machine, for telling runs of several hosts on one disk apart.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Whether a process of this id exists on this machine. One that is dead and not yet collected by its parent
/// does not.
pub fn process_exists(pid: u32) -> bool {
    // The state follows the command name, which is in parentheses and may hold anything.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    if stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X'])) {
        return false;
    }
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return false;
    };
    // EPERM means: exists, but belongs to somebody else.
    !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

/// Whether a process of this machine is the worker of the run in this directory. A number that was given to another
/// program meanwhile is not.
pub fn is_worker(pid: u32, run: &std::path::Path) -> bool {
    let Ok(command) = std::fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let mut words = command.split(|byte| *byte == 0).skip(1);
    let name = |word: &[u8]| {
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(word));
        path.file_name().is_some_and(|name| Some(name) == run.file_name())
    };
    words.next() == Some(b"worker") && words.next().is_some_and(name) && process_exists(pid)
}

/// Whether the command line of a process of this machine holds these words, one after the other: `study`, `run`.
pub fn runs(pid: u32, command: &[&[u8]]) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<&[u8]> = line.split(|byte| *byte == 0).skip(1).collect();
    words.windows(command.len()).any(|words| words == command) && process_exists(pid)
}

/// Asks a process to end in an orderly way, if it is ours.
pub fn terminate(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        // Somebody else's goes on.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

/// Whether a process is suspended (by SIGSTOP, Ctrl-Z or a debugger).
pub fn is_suspended(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['T', 't']))
}

/// Lets a suspended process go on, if it is ours.
pub fn wake(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        // Somebody else's stays suspended.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::CONT);
    }
}

/// Seconds since the epoch at which this machine was started, where the system tells (Linux).
pub fn boot_time() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

/// Standard input as a file, if it is a regular one.
pub fn stdin_file() -> Option<std::fs::File> {
    let file = std::fs::File::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3).ok()?);
    file.metadata().is_ok_and(|metadata| metadata.is_file()).then_some(file)
}

/// Ids of the processes that hold a lock on a whole file, of those that the system shows (Linux).
pub fn lock_holders(file: &std::fs::Metadata) -> Vec<u32> {
    use std::os::unix::fs::MetadataExt;
    let (major, minor) = (rustix::fs::major(file.dev()), rustix::fs::minor(file.dev()));
    let identity = format!("{major:02x}:{minor:02x}:{}", file.ino());
    let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    let holder = |line: &str| {
        // 1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF; a second word "->" is one that waits.
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, pid, of, ..] = words.as_slice() else { return None };
        (*of == identity).then(|| pid.parse().ok()).flatten()
    };
    locks.lines().filter_map(holder).collect()
}

/// Tells the allocator to keep memory that is freed, in one place for all threads: the tensors of every iteration are
/// those of the one before, and fresh pages from the system cost as much as the arithmetic on them. Without glibc,
/// nothing happens.
#[allow(unsafe_code)]
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt takes two numbers and may be called at any time; what it refuses stays as it was.
    unsafe {
        // The largest threshold that glibc takes.
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_TOP_PAD, 16 << 20);
        // Whichever thread runs a pass allocates for it; an arena each would hold it all twice.
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// What the CUDA driver says of itself and its devices.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CudaDriver {
    /// Newest CUDA that the driver knows, as 13.1.
    pub version: String,
    /// Its devices.
    pub devices: Vec<CudaDevice>,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CudaDevice {
    /// Its name.
    pub name: String,
    /// Its memory in bytes.
    pub memory: usize,
    /// Where it sits, as 00000000:17:00.0, by which other libraries know it.
    pub bus: Option<String>,
}

/// Free memory of a CUDA device in bytes, else all of its memory; `None` without it.
#[cfg(feature = "cuda")]
pub fn cuda_free_memory(ordinal: usize) -> Option<u64> {
    let all = cuda_driver().ok()?.devices.get(ordinal).map(|device| device.memory as u64)?;
    Some(free_on_device(ordinal).unwrap_or(all))
}

/// Free memory of a CUDA device in bytes, else all of its memory; `None` without it.
#[cfg(not(feature = "cuda"))]
pub fn cuda_free_memory(_: usize) -> Option<u64> {
    None
}

/// What a device says is free, of it and for everybody. Takes its primary context, which all that computes on it
/// in this process shares, for as long as the question takes.
#[cfg(feature = "cuda")]
#[allow(unsafe_code)]
fn free_on_device(ordinal: usize) -> Option<u64> {
    let ordinal = i32::try_from(ordinal).ok()?;
    type Context = *mut std::ffi::c_void;
    type Init = unsafe extern "C" fn(u32) -> i32;
    type Get = unsafe extern "C" fn(*mut i32, i32) -> i32;
    type Retain = unsafe extern "C" fn(*mut Context, i32) -> i32;
    type Push = unsafe extern "C" fn(Context) -> i32;
    type Pop = unsafe extern "C" fn(*mut Context) -> i32;
    type Info = unsafe extern "C" fn(*mut usize, *mut usize) -> i32;
    type Release = unsafe extern "C" fn(i32) -> i32;
    // SAFETY: as in `cuda_driver`; what is pushed is popped and what is retained is released, on this thread.
    unsafe {
        let library = libloading::Library::new("libcuda.so.1").ok()?;
        let init: libloading::Symbol<Init> = library.get(b"cuInit\0").ok()?;
        let get: libloading::Symbol<Get> = library.get(b"cuDeviceGet\0").ok()?;
        let retain: libloading::Symbol<Retain> = library.get(b"cuDevicePrimaryCtxRetain\0").ok()?;
        let push: libloading::Symbol<Push> = library.get(b"cuCtxPushCurrent_v2\0").ok()?;
        let pop: libloading::Symbol<Pop> = library.get(b"cuCtxPopCurrent_v2\0").ok()?;
        let info: libloading::Symbol<Info> = library.get(b"cuMemGetInfo_v2\0").ok()?;
        let release: libloading::Symbol<Release> = library.get(b"cuDevicePrimaryCtxRelease_v2\0").ok()?;
        let (mut device, mut context) = (0, std::ptr::null_mut());
        if init(0) != 0 || get(&mut device, ordinal) != 0 || retain(&mut context, device) != 0 {
            return None;
        }
        let (mut free, mut total) = (0, 0);
        let told = push(context) == 0 && {
            let told = info(&mut free, &mut total) == 0;
            pop(&mut context);
            told
        };
        release(device);
        told.then_some(free as u64)
    }
}

/// Asks the CUDA driver for its devices, without starting anything on them.
///
/// # Errors
/// A sentence that says what is missing.
#[cfg(feature = "cuda")]
#[allow(unsafe_code)]
pub fn cuda_driver() -> Result<CudaDriver, String> {
    type Init = unsafe extern "C" fn(u32) -> i32;
    type Number = unsafe extern "C" fn(*mut i32) -> i32;
    type Get = unsafe extern "C" fn(*mut i32, i32) -> i32;
    type Name = unsafe extern "C" fn(*mut std::ffi::c_char, i32, i32) -> i32;
    type Memory = unsafe extern "C" fn(*mut usize, i32) -> i32;
    type Bus = unsafe extern "C" fn(*mut std::ffi::c_char, i32, i32) -> i32;
    let no_driver = |_| "libcuda.so.1 is not a CUDA driver".to_owned();
    // SAFETY: libcuda's load-time code is what every CUDA program runs; all signatures are those of the driver
    // API (cuda.h), every out-pointer is a live value, and the buffer of names is as long as it is said to be.
    unsafe {
        let library = libloading::Library::new("libcuda.so.1")
            .map_err(|_| "no NVIDIA driver found (libcuda.so.1 does not load)".to_owned())?;
        let init: libloading::Symbol<Init> = library.get(b"cuInit\0").map_err(no_driver)?;
        let version: libloading::Symbol<Number> = library.get(b"cuDriverGetVersion\0").map_err(no_driver)?;
        let count: libloading::Symbol<Number> = library.get(b"cuDeviceGetCount\0").map_err(no_driver)?;
        let get: libloading::Symbol<Get> = library.get(b"cuDeviceGet\0").map_err(no_driver)?;
        let name: libloading::Symbol<Name> = library.get(b"cuDeviceGetName\0").map_err(no_driver)?;
        let memory: libloading::Symbol<Memory> = library.get(b"cuDeviceTotalMem_v2\0").map_err(no_driver)?;
        let bus: libloading::Symbol<Bus> = library.get(b"cuDeviceGetPCIBusId\0").map_err(no_driver)?;
        let mut known = 0;
        let known = if version(&mut known) == 0 { known } else { 0 };
        let version = format!("{}.{}", known / 1000, known % 1000 / 10);
        match init(0) {
            0 => {}
            100 => return Ok(CudaDriver { version, devices: Vec::new() }),
            code => return Err(format!("the NVIDIA driver does not start (cuInit returned {code})")),
        }
        let mut devices = 0;
        match count(&mut devices) {
            0 => {}
            code => {
                return Err(format!("the NVIDIA driver does not answer (cuDeviceGetCount returned {code})"));
            }
        }
        let device = |ordinal: i32| {
            let (mut device, mut bytes, mut text) = (0, 0usize, [0 as std::ffi::c_char; 128]);
            if get(&mut device, ordinal) != 0 {
                let name = format!("device {ordinal}, which does not answer");
                return CudaDevice { name, memory: 0, bus: None };
            }
            let named = name(text.as_mut_ptr(), text.len() as i32 - 1, device) == 0;
            let measured = memory(&mut bytes, device) == 0;
            let read = |text: &[std::ffi::c_char; 128]| {
                std::ffi::CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned()
            };
            let name = if named { read(&text) } else { format!("device {ordinal}") };
            let found = bus(text.as_mut_ptr(), text.len() as i32 - 1, device) == 0;
            CudaDevice { name, memory: if measured { bytes } else { 0 }, bus: found.then(|| read(&text)) }
        };
        Ok(CudaDriver { version, devices: (0..devices).map(device).collect() })
    }
}

/// Whether CUDA's run-time compiler can be loaded.
#[cfg(feature = "cuda")]
#[allow(unsafe_code)]
pub fn has_nvrtc() -> bool {
    ["libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"].into_iter().any(|name| {
        // SAFETY: the library's load-time code is what every user of NVRTC runs.
        unsafe { libloading::Library::new(name) }.is_ok()
    })
}

/// Largest resident memory of this process so far, where the system tells (Linux).
pub fn peak_resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Stderr led into a file; dropping this leads it back.
#[derive(Debug)]
pub struct StderrRedirect {
    saved: std::os::fd::OwnedFd,
}

impl StderrRedirect {
    /// Leads stderr, of this process and of libraries that write to descriptor 2, into `file`.
    ///
    /// # Errors
    /// If the system refuses another descriptor.
    pub fn to(file: &std::fs::File) -> std::io::Result<Self> {
        let saved = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3)?;
        rustix::stdio::dup2_stderr(file)?;
        Ok(StderrRedirect { saved })
    }
}

impl Drop for StderrRedirect {
    fn drop(&mut self) {
        let _ = rustix::stdio::dup2_stderr(&self.saved);
    }
}

/// Waits up to `patience` for the terminal on stdin to be gone, without reading from it.
pub fn terminal_hung_up(patience: std::time::Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = rustix::stdio::stdin();
    // Hang-ups are reported without being asked for.
    let mut watched = [PollFd::new(&stdin, PollFlags::empty())];
    let timeout = Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: patience.subsec_nanos().into() };
    match poll(&mut watched, Some(&timeout)) {
        Ok(_) => watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL),
        Err(_) => {
            std::thread::sleep(patience);
            false
        }
    }
}

/// Whether a shell with job control stands behind this process: one that takes the terminal when the process
/// stops and can continue it. Not so where the terminal was opened for this program alone, as by `ssh -t`, by
/// tmux or by a terminal emulator: nobody could continue it there.
pub fn can_be_continued() -> bool {
    use rustix::process::{Pid, getpgid, getpgrp, getppid, getsid};
    let (group, Ok(session)) = (getpgrp(), getsid(None)) else { return false };
    let mut ancestor = getppid();
    // Those of our own group stop with us.
    while let Some(pid) = ancestor
        && getpgid(Some(pid)) == Ok(group)
    {
        ancestor = parent_of(pid.as_raw_nonzero().get()).and_then(Pid::from_raw);
    }
    ancestor.is_some_and(|pid| getsid(Some(pid)) == Ok(session))
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
}

/// Stops this process and its group, as Ctrl-Z does outside raw mode; returns when it is continued.
pub fn stop_group() {
    // Not SIGTSTP, which is taken to ask for this.
    let _ = rustix::process::kill_current_process_group(rustix::process::Signal::STOP);
    // The signal may be taken by another thread a moment later.
    std::thread::sleep(std::time::Duration::from_millis(30));
}

/// Waits up to `patience` for input on stdin and appends what is there. False if there was none in time, or
/// none will come any more.
///
/// # Errors
/// If stdin cannot be read.
pub fn read_stdin_within(patience: std::time::Duration, heard: &mut Vec<u8>) -> std::io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = rustix::stdio::stdin();
    let mut watched = [PollFd::new(&stdin, PollFlags::IN)];
    let timeout = Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: patience.subsec_nanos().into() };
    match poll(&mut watched, Some(&timeout)) {
        Ok(_) => {}
        // A signal, such as a changed window.
        Err(rustix::io::Errno::INTR) => return Ok(true),
        Err(error) => return Err(error.into()),
    }
    if !watched[0].revents().contains(PollFlags::IN) {
        return Ok(false);
    }
    // What poll announced is read without waiting.
    let mut buffer = [0; 4096];
    let count = rustix::io::read(stdin, &mut buffer)?;
    heard.extend_from_slice(&buffer[..count]);
    Ok(count > 0)
}

/// Forgets input on stdin that nobody has read.
pub fn drop_pending_input() {
    let _ = rustix::termios::tcflush(rustix::stdio::stdin(), rustix::termios::QueueSelector::IFlush);
}

/// Columns of the terminal, as it tells the kernel; none if there is no terminal, or it does not tell.
pub fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout());
    let size = size.or_else(|_| rustix::termios::tcgetwinsize(rustix::stdio::stderr())).ok()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

/// Pixels of a cell as the terminal tells the kernel, (width, height); none if it does not.
pub fn cell_size() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    let width = size.ws_xpixel.checked_div(size.ws_col)?;
    let height = size.ws_ypixel.checked_div(size.ws_row)?;
    (width > 0 && height > 0).then_some((width.into(), height.into()))
}
