//! Makes files of weights, good and bad, for tests.

#![allow(clippy::unwrap_used)]

use std::io::Write;

/// An archive of these entries, deflated or stored.
pub fn zip(entries: &[(&str, &[u8])], deflate: bool) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let packed = if deflate { deflated(content) } else { content.to_vec() };
        let start = file.len() as u32;
        let mut facts = Vec::new();
        facts.extend(20_u16.to_le_bytes());
        facts.extend([0, 0]);
        facts.extend(if deflate { 8_u16 } else { 0 }.to_le_bytes());
        facts.extend([0; 4]);
        facts.extend(crc.sum().to_le_bytes());
        facts.extend((packed.len() as u32).to_le_bytes());
        facts.extend((content.len() as u32).to_le_bytes());
        facts.extend((name.len() as u16).to_le_bytes());
        facts.extend([0, 0]);
        file.extend(b"PK\x03\x04");
        file.extend(&facts);
        file.extend(name.as_bytes());
        file.extend(packed);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&facts);
        directory.extend([0; 10]);
        directory.extend(start.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = file.len() as u32;
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend((entries.len() as u16).to_le_bytes());
    file.extend((entries.len() as u16).to_le_bytes());
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0, 0]);
    file
}

pub fn deflated(content: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(content).unwrap();
    packer.finish().unwrap()
}

/// Writes pickles of protocol 2.
#[derive(Clone)]
pub struct Pickler(pub Vec<u8>);

impl Pickler {
    pub fn new() -> Pickler {
        Pickler(b"\x80\x02".to_vec())
    }

    pub fn raw(mut self, bytes: &[u8]) -> Pickler {
        self.0.extend(bytes);
        self
    }

    pub fn text(self, text: &str) -> Pickler {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    pub fn integer(self, number: i32) -> Pickler {
        self.raw(b"J").raw(&number.to_le_bytes())
    }

    pub fn global(self, module: &str, name: &str) -> Pickler {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    pub fn sizes(self, sizes: &[i32]) -> Pickler {
        sizes.iter().fold(self.raw(b"("), |pickler, size| pickler.integer(*size)).raw(b"t")
    }

    /// A float tensor that sees `count` values under `key`.
    pub fn tensor(self, key: &str, count: i32, offset: i32, shape: &[i32], strides: &[i32]) -> Pickler {
        self.tensor_of("FloatStorage", key, count, offset, shape, strides)
    }

    pub fn tensor_of(
        self,
        storage: &str,
        key: &str,
        count: i32,
        offset: i32,
        shape: &[i32],
        strides: &[i32],
    ) -> Pickler {
        self.global("torch._utils", "_rebuild_tensor_v2")
            .raw(b"((")
            .text("storage")
            .global("torch", storage)
            .text(key)
            .text("cpu")
            .integer(count)
            .raw(b"tQ")
            .integer(offset)
            .sizes(shape)
            .sizes(strides)
            .raw(b"\x89")
            .global("collections", "OrderedDict")
            .raw(b")RtR")
    }

    /// An array of NumPy as protocol 2 writes it: bytes as Latin-1 text.
    pub fn array(self, kind: &str, shape: &[i32], data: &[u8]) -> Pickler {
        let text: String = data.iter().map(|&byte| char::from(byte)).collect();
        self.global("numpy._core.multiarray", "_reconstruct")
            .raw(b"(")
            .global("numpy", "ndarray")
            .sizes(&[0])
            .global("_codecs", "encode")
            .text("b")
            .text("latin1")
            .raw(b"\x86RtR(")
            .integer(1)
            .sizes(shape)
            .dtype(kind)
            .raw(b"\x89")
            .global("_codecs", "encode")
            .text(&text)
            .text("latin1")
            .raw(b"\x86Rtb")
    }

    /// An array of these objects, which `items` pushes.
    pub fn objects(self, shape: &[i32], items: impl Fn(Pickler) -> Pickler) -> Pickler {
        let begun = self
            .global("numpy.core.multiarray", "_reconstruct")
            .raw(b"(")
            .global("numpy", "ndarray")
            .sizes(&[0])
            .raw(b"U\x01btR(")
            .integer(1)
            .sizes(shape)
            .dtype("O8")
            .raw(b"\x89](");
        items(begun).raw(b"etb")
    }

    fn dtype(self, kind: &str) -> Pickler {
        self.global("numpy", "dtype")
            .text(kind)
            .raw(b"\x89\x88\x87R(")
            .integer(3)
            .text("<")
            .raw(b"NNN")
            .integer(-1)
            .integer(-1)
            .integer(0)
            .raw(b"tb")
    }

    pub fn end(self) -> Vec<u8> {
        self.raw(b".").0
    }
}

/// `{name: tensor}` with one tensor.
pub fn state_dict(name: &str, tensor: impl Fn(Pickler) -> Pickler) -> Vec<u8> {
    tensor(Pickler::new().global("collections", "OrderedDict").raw(b")R").text(name)).raw(b"s").end()
}

/// What `torch.save` writes today.
pub fn torch_zip(pickle: &[u8], storages: &[(&str, &[u8])]) -> Vec<u8> {
    let names: Vec<String> = storages.iter().map(|(key, _)| format!("archive/data/{key}")).collect();
    let mut entries: Vec<(&str, &[u8])> =
        vec![("archive/data.pkl", pickle), ("archive/byteorder", b"little")];
    entries.extend(names.iter().zip(storages).map(|(name, (_, content))| (name.as_str(), *content)));
    zip(&entries, false)
}

/// What `torch.save` wrote before.
pub fn torch_legacy(pickle: &[u8], key: &str, values: &[f32]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
    file.extend(b"\x80\x02M\xe9\x03.");
    file.extend(b"\x80\x02}.");
    file.extend(pickle);
    file.extend(Pickler::new().raw(b"]").text(key).raw(b"a").end());
    file.extend((values.len() as u64).to_le_bytes());
    file.extend(floats(values));
    file
}

pub fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// One array of a header as NumPy writes it.
pub fn npy(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let mut file = b"\x93NUMPY".to_vec();
    file.extend([version, 0]);
    if version == 1 {
        file.extend((header.len() as u16).to_le_bytes());
    } else {
        file.extend((header.len() as u32).to_le_bytes());
    }
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

pub fn safetensors(dtype: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let header =
        format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[0,{}]}}}}"#, data.len());
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(data);
    file
}
