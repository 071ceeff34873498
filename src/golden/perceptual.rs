//! LPIPS on its three backbones, with weights and images made from a formula, against the package `lpips` 0.1.4
//! on torchvision's networks in float64 (`tests/golden/lpips.json`).

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::architectures::{INPUT, WEIGHTS, scatter};
use crate::data::Images;
use crate::metric::Lpips;
use crate::weights::{Dtype, Tensor, WeightFile};

/// Distances of an image to another one and to a mixture of the two, 3 : 1.
#[derive(Deserialize)]
struct Row {
    side: usize,
    scatter: f64,
    mixed: f64,
}

/// A torchvision file of this backbone, with more in it than is asked for.
fn file(parameters: Vec<(String, Vec<usize>)>) -> WeightFile {
    let fill = |(i, (name, shape)): (usize, (String, Vec<usize>))| {
        let fan_in: usize = shape[1..].iter().product();
        let mut scale = if shape.len() == 1 { 0.25 } else { 1.0 };
        while shape.len() > 1 && scale * scale * fan_in as f64 > 6.0 {
            scale /= 2.0;
        }
        let values = scatter(i, WEIGHTS, shape.iter().product()).into_iter().map(|v| scale * v).collect();
        Tensor { name: format!("module.{name}"), dtype: Dtype::F32, shape, values }
    };
    let mut tensors: Vec<Tensor> = parameters.into_iter().enumerate().map(fill).collect();
    let classifier = "module.classifier.1.bias".to_owned();
    tensors.push(Tensor { name: classifier, dtype: Dtype::F32, shape: vec![2], values: vec![f64::NAN; 2] });
    WeightFile { tensors, ..WeightFile::default() }
}

fn image(stream: usize, side: usize) -> Images {
    let pixels =
        scatter(stream, INPUT, 3 * side * side).into_iter().map(|value| (value + 1.0) / 2.0).collect();
    Images { samples: 1, channels: 3, height: side, width: side, pixels }
}

#[test]
fn the_package_agrees_on_every_backbone() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/lpips.json")).unwrap();
    let golden: BTreeMap<String, Vec<Row>> = serde_json::from_str(&text).unwrap();
    assert_eq!(golden.len(), Lpips::backbones().count());
    for (net, parameters) in Lpips::backbones() {
        let lpips = Lpips::new(&file(parameters), Path::new("backbone.pth")).unwrap();
        assert_eq!(lpips.net, net);
        for row in &golden[net] {
            let (a, b) = (image(0, row.side), image(1, row.side));
            let mixture = a.pixels.iter().zip(&b.pixels).map(|(a, b)| (3.0 * a + b) / 4.0).collect();
            let mixed = Images { pixels: mixture, ..a.clone() };
            for (other, expected) in [(&b, row.scatter), (&mixed, row.mixed)] {
                let found = lpips.distance.distances(&a, other).unwrap()[0];
                assert!(
                    (found - expected).abs() < 1e-5 + 1e-4 * expected,
                    "{net} {}: {found}, {expected}",
                    row.side
                );
            }
        }
        let (least, close) = (lpips.distance.least_side(), image(0, lpips.distance.least_side()));
        assert_eq!(lpips.distance.distances(&close, &close), Some(vec![0.0]), "{net} from {least} pixels");
        let small = image(0, least - 1);
        assert_eq!(lpips.distance.distances(&small, &small), None);
    }
}

#[test]
fn other_networks_are_refused_in_one_sentence() {
    let refused = |parameters: Vec<(String, Vec<usize>)>, spoil: fn(&mut WeightFile)| {
        let mut file = file(parameters);
        spoil(&mut file);
        Lpips::new(&file, Path::new("net.pth")).unwrap_err().to_string()
    };
    let alex = || Lpips::backbones().next().unwrap().1;
    let other =
        "run.lpips: net.pth is no backbone of LPIPS; give torchvision's alexnet, squeezenet1_1 or vgg16";
    assert_eq!(refused(alex()[..9].to_vec(), |_| {}), other);
    assert_eq!(refused(vec![("conv1.weight".into(), vec![6, 1, 5, 5])], |_| {}), other);
    assert_eq!(refused(alex(), |file| file.tensors[2].shape.reverse()), other);
    let infinite = refused(alex(), |file| file.tensors[0].values[7] = f64::INFINITY);
    assert_eq!(
        infinite,
        "run.lpips: net.pth cannot be used: module.features.0.weight holds values that are not finite"
    );
}
