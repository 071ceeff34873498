//! How an NVIDIA device stands: its memory, how busy and how warm it is. Asked of NVML, the driver's own library, which is
//! loaded at the first question; where it is not there, nothing is known.

use serde::{Deserialize, Serialize};

/// What a device says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Bytes in use, of all programs.
    pub used: u64,
    /// Bytes that it has.
    pub memory: u64,
    /// Percent of the last moment in which something was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<u32>,
    /// Degrees Celsius.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub celsius: Option<u32>,
}

impl Standing {
    /// `12.4 of 141.0 GB in use, busy 63 %, 41 °C`, with n/a for what it does not tell.
    pub fn in_words(&self) -> String {
        let figure = |figure: Option<u32>, unit: &str| {
            figure.map_or_else(|| "n/a".to_owned(), |figure| format!("{figure} {unit}"))
        };
        let [used, memory] = [self.used, self.memory].map(|bytes| bytes as f64 / 1e9);
        let (busy, warm) = (figure(self.busy, "%"), figure(self.celsius, "°C"));
        format!("{used:.1} of {memory:.1} GB in use, busy {busy}, {warm}")
    }
}

/// How a CUDA device stands, counted as this process sees them (`CUDA_VISIBLE_DEVICES`); `None` without it or without NVML.
#[cfg(feature = "cuda")]
pub fn standing(ordinal: usize) -> Option<Standing> {
    use nvml_wrapper::Nvml;
    use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
    static NVML: std::sync::OnceLock<Option<Nvml>> = std::sync::OnceLock::new();
    // NVML counts all devices of the machine in an order of its own: the bus is what both know.
    let bus = crate::sys::cuda_driver().ok()?.devices.into_iter().nth(ordinal)?.bus?;
    let device = NVML.get_or_init(|| Nvml::init().ok()).as_ref()?.device_by_pci_bus_id(bus).ok()?;
    let memory = device.memory_info().ok()?;
    Some(Standing {
        used: memory.used,
        memory: memory.total,
        busy: device.utilization_rates().ok().map(|rates| rates.gpu),
        celsius: device.temperature(TemperatureSensor::Gpu).ok(),
    })
}

/// Nothing is known of devices in this build.
#[cfg(not(feature = "cuda"))]
pub fn standing(_: usize) -> Option<Standing> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_does_not_tell_is_not_available() {
        let full =
            Standing { used: 12_400_000_000, memory: 141_000_000_000, busy: Some(63), celsius: Some(41) };
        assert_eq!(full.in_words(), "12.4 of 141.0 GB in use, busy 63 %, 41 °C");
        let bare = Standing { busy: None, celsius: None, ..full };
        assert_eq!(bare.in_words(), "12.4 of 141.0 GB in use, busy n/a, n/a");
        let json = serde_json::to_string(&bare).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Standing>(&json).ok(), Some(bare));
    }
}
