//! Where tensors live: the backend types, the devices of this machine and how one is chosen.
//!
//! The only module that names backends. Everything computes on [`Plain`] tensors; where a reverse pass is
//! needed, on [`Tape`] tensors. Which backend a tensor is on is decided at run time by its device.

use burn::tensor::{DType, Shape, Tensor, TensorData};

pub use crate::config::Precision;

/// Tensors without a tape: flex, ndarray or CUDA, by device.
pub type Plain = burn::Dispatch;
/// Tensors that record a tape for one reverse pass.
pub type Tape = burn_autodiff::Autodiff<Plain>;
/// A flat tensor without a tape.
pub type Vector = Tensor<Plain, 1>;

/// Backends by the name a user types, in the order of the picker.
pub const NAMES: [&str; 4] = ["auto", "flex", "ndarray", "cuda"];

/// burn's name for a width.
fn dtype(precision: Precision) -> DType {
    match precision {
        Precision::F32 => DType::F32,
        Precision::F64 => DType::F64,
    }
}

/// A device and a precision: all that is needed to make tensors.
#[derive(Debug, Clone)]
pub struct Compute {
    device: burn::DispatchDevice,
    precision: Precision,
    name: &'static str,
    /// Which device of several; 0 on the CPU.
    ordinal: usize,
}

/// A backend that cannot be used here.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BackendError {
    /// No backend has this name.
    #[error("there is no backend \"{0}\"; use auto, flex, ndarray, cuda, or cuda:1 for the second device")]
    Unknown(String),
    /// It exists, but not on this machine or not in this build.
    #[error("the backend {name} cannot be used: {reason}")]
    Unavailable {
        /// Which.
        name: &'static str,
        /// Why, and what would help.
        reason: String,
    },
}

impl Compute {
    /// Chooses a backend by name: `flex`, `ndarray`, `cuda`, one device of several (`cuda:1`, counted as this process sees
    /// them), or `auto` where nothing is known of the work: flex, which begins at once. What runs take, `run::automatic` says.
    ///
    /// # Errors
    /// If the name is unknown or the backend cannot be used, with the reason.
    pub fn select(name: &str, precision: Precision) -> Result<Self, BackendError> {
        let unknown = || BackendError::Unknown(name.to_owned());
        let (kind, ordinal) = match name.split_once(':') {
            Some(("cuda", ordinal)) => ("cuda", ordinal.parse().map_err(|_| unknown())?),
            _ => (name, 0),
        };
        let (name, device) = match kind {
            "auto" | "flex" => ("flex", burn::DispatchDevice::Flex(burn_flex::FlexDevice)),
            "ndarray" => ("ndarray", burn::DispatchDevice::NdArray(Default::default())),
            "cuda" => match cuda_device(ordinal) {
                Ok(device) => ("cuda", device),
                Err(reason) => return Err(BackendError::Unavailable { name: "cuda", reason }),
            },
            _ => return Err(unknown()),
        };
        crate::sys::keep_freed_memory();
        Ok(Compute { device, precision, name, ordinal })
    }

    /// Which device of several, counted as this process sees them; 0 on the CPU.
    pub fn ordinal(&self) -> usize {
        self.ordinal
    }

    /// `flex`, `ndarray` or `cuda`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Backend with threads or device, for headers: `flex, 2 threads`, `flex, 2 threads, 64 bit`.
    pub fn description(&self) -> String {
        let device = match self.name {
            "flex" => format!("flex, {}", threads(rayon::current_num_threads())),
            "cuda" => format!("cuda, device {}", self.ordinal),
            name => name.to_owned(),
        };
        device + self.precision.on(self.name)
    }

    /// Width of the floats made by this.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The device itself.
    pub fn device(&self) -> &burn::DispatchDevice {
        &self.device
    }

    /// A tensor of this shape from row-major values.
    pub fn tensor<const D: usize>(&self, values: &[f64], shape: [usize; D]) -> Tensor<Plain, D> {
        Tensor::from_data(self.data(values, shape), (&self.device, dtype(self.precision)))
    }

    /// The same in the computer's memory.
    pub fn data<const D: usize>(&self, values: &[f64], shape: [usize; D]) -> TensorData {
        let shape = Shape::from(shape);
        match self.precision {
            Precision::F32 => TensorData::new(values.iter().map(|&v| v as f32).collect::<Vec<_>>(), shape),
            Precision::F64 => TensorData::new(values.to_vec(), shape),
        }
    }

    /// A tensor of zeros.
    pub fn zeros<const D: usize>(&self, shape: [usize; D]) -> Tensor<Plain, D> {
        Tensor::zeros(shape, (&self.device, dtype(self.precision)))
    }
}

/// Whether tensors of this device lie in the computer's memory, for the CPU's own passes.
pub fn is_flex(device: &burn::DispatchDevice) -> bool {
    matches!(device, burn::DispatchDevice::Flex(_))
}

fn threads(count: usize) -> String {
    if count == 1 { "1 thread".to_owned() } else { format!("{count} threads") }
}

/// Row-major values of a tensor in f64, exact for both precisions.
pub fn values<const D: usize>(tensor: &Tensor<Plain, D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

/// The value of a tensor with one element. Waits for the device.
pub fn scalar(tensor: Vector) -> f64 {
    tensor.into_data().iter::<f64>().next().unwrap_or(f64::NAN)
}

/// Why each backend of [`NAMES`] cannot be used, or `None` if it can.
pub fn availability() -> Vec<(&'static str, Option<String>)> {
    NAMES
        .iter()
        .map(|&name| match name {
            "cuda" => (name, cuda_device(0).err()),
            _ => (name, None),
        })
        .collect()
}

/// Whether there is a device to compute on.
pub fn has_device() -> bool {
    cuda_device(0).is_ok()
}

/// One device of a backend, as [`Compute::select`] takes it: `cuda` is the first.
pub fn one_of(backend: &str, ordinal: Option<usize>) -> String {
    match ordinal {
        None | Some(0) => backend.to_owned(),
        Some(ordinal) => format!("{backend}:{ordinal}"),
    }
}

/// Backends compiled into this program.
pub fn built_in() -> &'static [&'static str] {
    if cfg!(feature = "cuda") { &["flex", "ndarray", "cuda"] } else { &["flex", "ndarray"] }
}

#[cfg(not(feature = "cuda"))]
fn cuda_device(_: usize) -> Result<burn::DispatchDevice, String> {
    Err("not in this build: cargo build --release --features cuda".to_owned())
}

/// Looks for a driver, a device, the run-time compiler and its headers before burn does: burn-cuda panics in a
/// background thread when one is missing.
#[cfg(feature = "cuda")]
fn cuda_device(ordinal: usize) -> Result<burn::DispatchDevice, String> {
    match crate::sys::cuda_driver() {
        Ok(driver) if driver.devices.is_empty() => {
            Err("the NVIDIA driver answers, but shows no device (CUDA_VISIBLE_DEVICES may hide it)"
                .to_owned())
        }
        Ok(driver) if ordinal >= driver.devices.len() => Err(format!(
            "there is no device {ordinal}: the NVIDIA driver shows {}, counted from 0 (CUDA_VISIBLE_DEVICES may hide others)",
            driver.devices.len()
        )),
        Ok(_) if !crate::sys::has_nvrtc() => Err(
            "CUDA's run-time compiler is missing (libnvrtc does not load); install it or set LD_LIBRARY_PATH"
                .into(),
        ),
        // Where cubecl-cuda 0.10 looks for the headers that kernels include.
        Ok(_)
            if std::env::var_os("CUDA_PATH").is_none()
                && !["/usr/local/cuda", "/opt/cuda", "/usr/bin/nvcc"]
                    .iter()
                    .any(|p| std::path::Path::new(p).exists()) =>
        {
            Err("CUDA's headers are not in /usr/local/cuda or /opt/cuda; set CUDA_PATH to where they are"
                .into())
        }
        Ok(_) => {
            keep_kernels();
            Ok(burn::DispatchDevice::Cuda(burn::backend::cuda::CudaDevice::new(ordinal)))
        }
        Err(reason) => Err(reason),
    }
}

/// Has kernels that were compiled, and which of them were the fastest, kept between runs: otherwise every process
/// compiles them again, and may choose others. What cubecl.toml or its environment say comes first.
#[cfg(feature = "cuda")]
fn keep_kernels() {
    use burn::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig as _, cache::CacheConfig};
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let Some(directory) =
            crate::paths::kernels().filter(|path| crate::files::create_directories(path).is_ok())
        else {
            return;
        };
        let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
        config.compilation.cache.get_or_insert(CacheConfig::File(directory.clone()));
        if matches!(config.autotune.cache, CacheConfig::Target) {
            config.autotune.cache = CacheConfig::File(directory);
        }
        CubeClRuntimeConfig::set(config);
    });
}
