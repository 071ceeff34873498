//! What a panic of the engine was about, in a sentence. A device computes on threads of its own: what reaches the worker may say
//! no more than that one of them is gone, so what was said first counts.

use std::any::Any;
use std::sync::{Mutex, PoisonError};

/// What panics of all threads said, in order.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What CUDA, and what burn makes of it, say where memory is short.
const NO_ROOM: [&str; 4] =
    ["CUDA_ERROR_OUT_OF_MEMORY", "BufferTooBig", "can't allocate buffer", "No pool handles allocation"];

/// What CUDA says of a device that does not compute any more: taken away, broken, or stopped by a kernel that failed.
const GONE: [&str; 12] = [
    "CUDA_ERROR_NO_DEVICE",
    "CUDA_ERROR_INVALID_DEVICE",
    "CUDA_ERROR_DEVICE_UNAVAILABLE",
    "CUDA_ERROR_DEINITIALIZED",
    "CUDA_ERROR_NOT_INITIALIZED",
    "CUDA_ERROR_CONTEXT_IS_DESTROYED",
    "CUDA_ERROR_ECC_UNCORRECTABLE",
    "CUDA_ERROR_HARDWARE_STACK_ERROR",
    "CUDA_ERROR_ILLEGAL_ADDRESS",
    "CUDA_ERROR_LAUNCH_FAILED",
    "CUDA_ERROR_SYSTEM_NOT_READY",
    "CUDA_ERROR_UNKNOWN",
];

/// What cubecl says of a kernel that was chosen by timing others and cannot be launched (tracel-ai/burn#5352,
/// tracel-ai/cubecl#1611).
const MISCHOSEN: &str = "Should run when selected by autotune";

/// Characters shown of a panic that nothing is known of; some print all kernels.
const LONGEST: usize = 300;

/// Remembers from now on what panics say, besides what is done about them already.
pub fn listen() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        SAID.lock().unwrap_or_else(PoisonError::into_inner).push(message(panic.payload()));
        before(panic);
    }));
}

/// A panic that was caught, in a sentence.
pub fn in_words(panic: &(dyn Any + Send)) -> String {
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner).clone();
    said.push(message(panic));
    sentence(&said)
}

/// What a run that came to its end has to say where something panicked on the way and nobody heard: a library may pass over a
/// panic on a thread of a device, which leaves numbers unwritten (tracel-ai/burn#5352).
pub fn passed_over() -> Option<String> {
    unheard(&SAID.lock().unwrap_or_else(PoisonError::into_inner))
}

fn unheard(said: &[String]) -> Option<String> {
    (!said.is_empty()).then(|| {
        format!(
            "a part of the computation failed and the backend went on without it, so that nothing computed here can be trusted \
             ({})",
            sentence(said)
        )
    })
}

fn sentence(said: &[String]) -> String {
    let named = |names: &[&'static str]| {
        let mut all = said.iter().flat_map(|said| names.iter().filter(|name| said.contains(**name)));
        all.next().copied()
    };
    // A device that has no room may fail in other ways next.
    if named(&NO_ROOM).is_some() {
        return "the device has too little memory free; what was done is kept: free some, or take a smaller batch or model, \
                and resume the run"
            .to_owned();
    }
    if let Some(name) = named(&GONE) {
        return format!(
            "the device does not compute any more ({name}); what was done is kept: resume the run once gialab doctor finds \
             it again"
        );
    }
    if said.iter().any(|said| said.contains(MISCHOSEN)) {
        let kept = crate::paths::kernels().map_or_else(String::new, |path| format!(" in {}", path.display()));
        return format!(
            "the backend chose a kernel that cannot be launched on numbers of this shape: take --backend flex, or delete the \
             kernels kept{kept} and run it again"
        );
    }
    let first = said.iter().flat_map(|said| said.lines()).find(|line| !line.trim().is_empty());
    let first: String = first.unwrap_or("no message").chars().take(LONGEST).collect();
    format!("the engine panicked: {first}")
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(said: &[&str]) -> String {
        sentence(&said.iter().map(|said| (*said).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn what_a_device_lacks_is_one_sentence() {
        let short = "called `Result::unwrap()` on an `Err` value: ServerUnhealthy { errors: [Io(BufferTooBig { size: 9, \
                     backtrace: 0: ...\n 1: ... })] }";
        let after = "called `Result::unwrap()` on an `Err` value: RecvError";
        let gone = "DriverError(CUDA_ERROR_ILLEGAL_ADDRESS, \"an illegal memory access was encountered\")";
        for said in [&[short, after][..], &[gone, short]] {
            assert!(of(said).starts_with("the device has too little memory free"), "{}", of(said));
        }
        assert!(of(&[gone, after]).contains("does not compute any more (CUDA_ERROR_ILLEGAL_ADDRESS)"));
        for said in [of(&[short]), of(&[gone])] {
            assert!(!said.contains('\n') && said.contains("what was done is kept"), "{said}");
        }
    }

    #[test]
    fn a_panic_that_a_backend_passed_over_is_not_a_result() {
        assert_eq!(unheard(&[]), None);
        let tuned = "Should run when selected by autotune.: Unknown".to_owned();
        let said = unheard(&[tuned]).unwrap_or_default();
        assert!(said.contains("went on without it") && said.contains("--backend flex"), "{said}");
        let said = unheard(&["index out of bounds".to_owned()]).unwrap_or_default();
        assert!(said.ends_with("(the engine panicked: index out of bounds)"), "{said}");
    }

    #[test]
    fn of_any_other_panic_the_first_line_is_said() {
        assert_eq!(
            of(&["\nindex out of bounds\n at x", "RecvError"]),
            "the engine panicked: index out of bounds"
        );
        assert_eq!(of(&[]), "the engine panicked: no message");
        assert!(of(&[&"x".repeat(100_000)]).len() < 400);
    }
}
