//! Facts on the attacks that can be run, and on defences ([`defence`]): data alone, so that lists, refusals and defaults
//! need no engine. What is published besides is [`literature`].
//!
//! An attack that searches is a file here with its recipe, and a line in [`ATTACKS`]: nothing else is written for it. One
//! that solves has its method in `attack::direct` besides.

mod april;
mod ci_net;
mod copa;
mod cpa;
mod cpl;
pub mod defence;
mod dimitrov;
mod dlg;
mod fc_inversion;
mod fedleak;
mod fishing;
mod ggl;
mod gias;
mod gifd;
mod gradinversion;
mod idlg;
mod imprint;
mod inverting_gradients;
pub mod literature;
mod loki;
mod need;
mod r_gap;
mod rog;
mod sapag;
mod scale_mia;
mod sme;
mod spear;
mod tableak;
mod trap_weights;

pub use need::{Need, Offer};

/// What is known of an attack.
#[derive(Debug)]
pub struct Facts {
    /// Name in presets.
    pub name: &'static str,
    /// For headings.
    pub title: &'static str,
    /// Authors, venue, number.
    pub source: &'static str,
    /// Year of the first publication.
    pub year: u16,
    /// How it goes about it.
    pub family: Family,
    /// What it does about the labels.
    pub labels: LabelUse,
    /// What it needs besides the update, the model and the batch size.
    pub needs: &'static [Need],
    /// Threat model after Carletti et al., A to H.
    pub threat_model: char,
    /// What keeps it from succeeding.
    pub bounds: &'static str,
    /// Its settings: the keys of `[attack]` that it takes, with the values that a preset need not name.
    pub recipe: &'static str,
}

/// How an attack goes about it, in the words of the SoK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Matches gradients by a search over the input.
    Search,
    /// Matches gradients by a search over what a generator makes, trained or not.
    Latent,
    /// Solves for the input.
    Analytic,
    /// Sends a model that was made to leak, then reads the update.
    Malicious,
    /// Sends a model that singles out samples, then matches their part of the update by a search.
    Isolating,
}

impl Family {
    /// For lists.
    pub fn name(self) -> &'static str {
        match self {
            Family::Search => "search",
            Family::Latent => "latent search",
            Family::Analytic => "analytic",
            Family::Malicious | Family::Isolating => "malicious server",
        }
    }

    /// Whether its settings are those of a search.
    pub fn searches(self) -> bool {
        matches!(self, Family::Search | Family::Latent | Family::Isolating)
    }
}

/// What an attack does about the labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelUse {
    /// It optimises them.
    Optimises,
    /// It reads them by this rule alone.
    Reads(&'static str),
    /// It must have them: given, or read by any rule.
    Needs,
    /// It does without.
    Without,
}

/// All attacks, by year.
pub static ATTACKS: [&Facts; 26] = [
    &fc_inversion::FC_INVERSION,
    &dlg::DLG,
    &idlg::IDLG,
    &cpl::CPL,
    &inverting_gradients::INVERTING_GRADIENTS,
    &sapag::SAPAG,
    &gradinversion::GRADINVERSION,
    &r_gap::R_GAP,
    &copa::COPA,
    &gias::GIAS,
    &april::APRIL,
    &imprint::IMPRINT,
    &fishing::FISHING,
    &dimitrov::DIMITROV,
    &ggl::GGL,
    &cpa::CPA,
    &sme::SME,
    &trap_weights::TRAP_WEIGHTS,
    &rog::ROG,
    &gifd::GIFD,
    &ci_net::CI_NET,
    &tableak::TABLEAK,
    &loki::LOKI,
    &spear::SPEAR,
    &scale_mia::SCALE_MIA,
    &fedleak::FEDLEAK,
];

/// The attack of this name.
pub fn facts(name: &str) -> Option<&'static Facts> {
    ATTACKS.iter().copied().find(|facts| facts.name == name)
}

/// Names of all attacks.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    ATTACKS.iter().map(|facts| facts.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_single_and_years_ascend() {
        for (at, facts) in ATTACKS.iter().enumerate() {
            assert_eq!(names().filter(|name| *name == facts.name).count(), 1, "{}", facts.name);
            assert!(at == 0 || ATTACKS[at - 1].year <= facts.year, "{}", facts.name);
            assert!(('A'..='H').contains(&facts.threat_model) && !facts.bounds.is_empty(), "{}", facts.name);
        }
    }
}
