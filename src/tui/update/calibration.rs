//! Measuring how fast this machine is, while it has nothing else to do.

use crate::calibration::Calibration;
use crate::tui::effect::Effect;
use crate::tui::model::{Calibrating, Model};

/// Seconds without a run before it begins: a person who starts one at once is not disturbed.
const REST_S: f64 = 2.0;

/// Seconds before it is tried again on a machine that others keep busy.
const BUSY_S: f64 = 60.0;

/// Asks for a measurement where one is needed and nothing computes.
pub fn when_at_rest(model: &mut Model) -> Vec<Effect> {
    let lacking = model.candidates().into_iter().find(|backend| model.experience.lacks(backend));
    let lacking = lacking.map(str::to_owned).filter(|_| is_at_rest(model));
    match (model.calibrating, lacking) {
        (Calibrating::Now | Calibrating::Failed, _) => {}
        (_, None) => model.calibrating = Calibrating::Not,
        (Calibrating::At(time), Some(backend)) if time <= model.now => {
            model.calibrating = Calibrating::Now;
            return vec![Effect::Calibrate(backend)];
        }
        // Of a clock that was set back it would be hours.
        (Calibrating::At(time), _) if time <= model.now + BUSY_S => {}
        (Calibrating::At(_) | Calibrating::Not, _) => model.calibrating = Calibrating::At(model.now + REST_S),
    }
    Vec::new()
}

/// Takes up what was measured. Beside a run it says little: then it is measured again later.
pub fn arrived(model: &mut Model, result: Result<Option<Calibration>, String>) -> Vec<Effect> {
    model.calibrating = Calibrating::Not;
    match result {
        Ok(Some(calibration)) if is_at_rest(model) => {
            model.experience.calibrations.retain(|known| known.backend != calibration.backend);
            model.experience.calibrations.push(calibration.clone());
            return vec![Effect::KeepCalibration(calibration)];
        }
        Ok(Some(_)) => {}
        Ok(None) => model.calibrating = Calibrating::At(model.now + BUSY_S),
        // Times are then those of the reference machine, and say so.
        Err(message) => {
            tracing::warn!("the speed of this machine could not be measured: {message}");
            model.calibrating = Calibrating::Failed;
        }
    }
    Vec::new()
}

fn is_at_rest(model: &Model) -> bool {
    let followed = model.views.iter().any(|view| view.health.is_live());
    model.runs_view.rows.is_some() && model.live_runs().is_empty() && !followed && !model.starting
}
