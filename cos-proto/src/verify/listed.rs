//! What the lists of names in a signature stand for in the request.

use http::HeaderMap;

use super::{
    Param, Rebuilt,
    encoding::{decode_lossy, encode},
};

/// What a list of names stands for: (lower-case encoded name, encoded value) in its order.
#[derive(Clone, Debug, Default)]
pub(super) struct Listed {
    pub(super) pairs: Vec<(String, String)>,
    missing: bool,
}

impl Listed {
    /// A name that is listed several times takes its values in ascending order before they are
    /// encoded, as Go signs them.
    fn resolve<'a>(list: &str, values: impl Fn(&str) -> Vec<&'a [u8]>) -> Self {
        let mut listed = Self::default();
        for name in list.split(';').filter(|name| !name.is_empty()) {
            let mut values = values(name);
            values.sort();
            let taken = listed.pairs.iter().filter(|(earlier, _)| earlier == name).count();
            match values.into_iter().nth(taken) {
                Some(value) => listed.pairs.push((name.to_owned(), encode(value))),
                None => listed.missing = true,
            }
        }
        listed
    }

    pub(super) fn join(&self) -> Rebuilt {
        Rebuilt { text: join(&self.pairs), all_there: !self.missing }
    }
}

pub(super) fn resolve_params(list: &str, params: &[Param]) -> Listed {
    Listed::resolve(list, |name| {
        let own = |param: &&Param| {
            !is_signature_param(&param.name) && canonical_name(&param.name) == *name
        };
        params.iter().filter(own).map(|param| param.value.as_bytes()).collect()
    })
}

pub(super) fn resolve_headers(list: &str, headers: &HeaderMap, host: &str) -> Listed {
    Listed::resolve(list, |name| {
        if name == "host" && !host.is_empty() {
            return vec![host.as_bytes()];
        }
        let named = decode_lossy(name);
        headers.get_all(named.as_str()).iter().map(http::HeaderValue::as_bytes).collect()
    })
}

/// These carry the signature and are never part of what it covers.
pub(super) fn is_signature_param(name: &str) -> bool {
    matches!(
        name,
        "sign"
            | "q-sign-algorithm"
            | "q-ak"
            | "q-sign-time"
            | "q-key-time"
            | "q-header-list"
            | "q-url-param-list"
            | "q-signature"
    )
}

/// Lower-cased after encoding, so that the hex digits are lower-case too.
pub(super) fn canonical_name(name: &str) -> String {
    encode(name.as_bytes()).to_ascii_lowercase()
}

pub(super) fn join(pairs: &[(String, String)]) -> String {
    let mut text = String::new();
    for (index, (name, value)) in pairs.iter().enumerate() {
        let between = if index == 0 { "" } else { "&" };
        text.extend([between, name, "=", value]);
    }
    text
}
