//! Pictures of the catalogue.

use insta::assert_snapshot;

use super::fixture::{self, drawn};
use super::model::Model;
use super::snapshot_tests::press;

fn catalogue(width: u16, height: u16) -> Model {
    let mut model = fixture::model(width, height);
    press(&mut model, "6");
    model
}

#[test]
fn attacks_and_defences_by_year() {
    for (width, height) in [(60, 16), (80, 24), (120, 40)] {
        let mut model = catalogue(width, height);
        model.catalogue_view.selected = "dlg".into();
        assert_snapshot!(format!("catalogue_{width}x{height}"), drawn(&model));
        press(&mut model, "Dr");
        assert_snapshot!(format!("catalogue_model_{width}x{height}"), drawn(&model));
        press(&mut model, "Drt");
        model.catalogue_view.selected = "sparsify".into();
        assert_snapshot!(format!("catalogue_defences_{width}x{height}"), drawn(&model));
    }
}

#[test]
fn a_catalogue_in_ascii() {
    let mut model = catalogue(80, 24);
    model.theme.ascii = true;
    model.catalogue_view.selected = "dlg".into();
    // Names of people and places are as they are.
    let screen = drawn(&model);
    let frame: String = screen.chars().filter(|c| !c.is_alphanumeric()).collect();
    assert!(frame.is_ascii(), "{screen}");
}
