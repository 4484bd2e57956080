//! Which proxy requests go through.

use std::{env, fmt, net::IpAddr};

use cos_proto::{Endpoint, Error};

/// Which proxy requests go through. It is always asked for a tunnel (`CONNECT`), for plain HTTP too.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proxy {
    /// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` (or their lower-case forms) say
    /// for the endpoint when the client is made. A loopback address is never proxied.
    #[default]
    Environment,
    /// None, whatever the environment says.
    Direct,
    /// This one, whatever the environment says: `http://[user:password@]host:port`, or `https://`.
    Url(String),
}

impl fmt::Debug for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => out.write_str("Environment"),
            Self::Direct => out.write_str("Direct"),
            // It may hold a password.
            Self::Url(_) => out.write_str("Url(..)"),
        }
    }
}

impl Proxy {
    /// The proxy between us and `endpoint`, if there is one.
    pub(super) fn of(&self, endpoint: &Endpoint) -> Result<Option<ureq::Proxy>, Error> {
        match self {
            Self::Direct => Ok(None),
            Self::Url(url) => parse("proxy", url).map(Some),
            Self::Environment => from_variables(endpoint, |name| env::var(name).ok()),
        }
    }
}

/// Reads a proxy's URL.
///
/// # Errors
/// It is not `http://` or `https://` and a host. Its text is not shown: it may hold a password.
fn parse(name: &str, url: &str) -> Result<ureq::Proxy, Error> {
    let refuse = |rule: &str| Error::invalid_parameter(name, "…", rule);
    let proxy =
        ureq::Proxy::new(url).map_err(|_| refuse("must be http://[user:password@]host[:port]"))?;
    match proxy.protocol() {
        ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https => Ok(proxy),
        _ => Err(refuse("only http:// and https:// proxies are supported")),
    }
}

/// The proxy that `HTTPS_PROXY`, `HTTP_PROXY` (by the endpoint's scheme) or else `ALL_PROXY` names
/// in either case, unless `NO_PROXY` excepts the host.
fn from_variables(
    endpoint: &Endpoint,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<ureq::Proxy>, Error> {
    let set = |name: &str| {
        [name.to_ascii_lowercase(), name.to_owned()]
            .into_iter()
            .find_map(|name| variable(&name))
            .filter(|value| !value.is_empty())
    };
    let own = if endpoint.is_secure() { "HTTPS_PROXY" } else { "HTTP_PROXY" };
    let named = [own, "ALL_PROXY"].into_iter().find_map(|name| Some((name, set(name)?)));
    let Some((name, url)) = named else { return Ok(None) };
    let (host, _) = split_port(endpoint.authority());
    if is_loopback(host) || set("NO_PROXY").is_some_and(|list| is_excepted(&list, host)) {
        return Ok(None);
    }
    parse(name, &url).map(Some)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Whether a `NO_PROXY` list names the host: `*`, a host, a domain (with or without its leading
/// dot), an address, or a network such as `10.0.0.0/8`.
fn is_excepted(list: &str, host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok();
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        if entry == "*" {
            return true;
        }
        if let Some(address) = address {
            return match entry.split_once('/') {
                Some((network, bits)) => is_in_network(address, network, bits),
                None => split_port(&entry).0.parse() == Ok(address),
            };
        }
        let (domain, _) = split_port(&entry);
        let domain = domain.trim_start_matches('*').trim_start_matches('.');
        host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

fn is_in_network(address: IpAddr, network: &str, bits: &str) -> bool {
    let Ok(bits) = bits.parse::<u32>() else { return false };
    match (address, network.parse()) {
        (IpAddr::V4(address), Ok(IpAddr::V4(network))) if bits <= 32 => {
            let differing = address.to_bits() ^ network.to_bits();
            differing.checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), Ok(IpAddr::V6(network))) if bits <= 128 => {
            let differing = address.to_bits() ^ network.to_bits();
            differing.checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

/// The host without its port and brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']').unwrap_or((rest, ""));
        return (host, port.strip_prefix(':'));
    }
    match authority.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(endpoint: &str, variables: &[(&str, &str)]) -> Option<String> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        from_variables(&endpoint.parse().unwrap(), variable)
            .unwrap()
            .map(|proxy| format!("{}:{}", proxy.host(), proxy.port()))
    }

    #[test]
    fn the_scheme_decides_between_the_variables() {
        let both = [("HTTPS_PROXY", "http://s:1"), ("http_proxy", "http://p:2")];
        assert_eq!(chosen("https://h", &both).as_deref(), Some("s:1"));
        assert_eq!(chosen("http://h", &both).as_deref(), Some("p:2"));
        assert_eq!(chosen("http://h", &[("ALL_PROXY", "a:3")]).as_deref(), Some("a:3"));
        assert_eq!(chosen("http://h", &[("HTTPS_PROXY", "http://s:1")]), None);
        assert_eq!(chosen("http://h", &[("HTTP_PROXY", "")]), None);
        assert_eq!(chosen("http://127.0.0.1:9000", &both), None);
    }

    #[test]
    fn no_proxy_excepts_hosts_domains_addresses_and_networks() {
        for (list, host, excepted) in [
            ("*", "b.example.com", true),
            ("example.com", "b.example.com", true),
            (".example.com", "b.example.com", true),
            ("*.example.com", "b.example.com", true),
            ("other.com, B.Example.com:443", "b.example.com", true),
            ("ample.com", "b.example.com", false),
            ("b.example.com.cn", "b.example.com", false),
            ("", "b.example.com", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("10.0.0.0/8", "10.9.8.7", true),
            ("10.0.0.0/8", "11.9.8.7", false),
            ("0.0.0.0/0", "11.9.8.7", true),
            ("10.0.0.0/33", "10.0.0.0", false),
            ("[::1]", "::1", true),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "::1", false),
        ] {
            assert_eq!(is_excepted(list, host), excepted, "{list:?} {host}");
        }
    }

    #[test]
    fn a_wrong_url_is_refused_without_showing_it() {
        for url in ["http://u:geheim@", "socks5://u:geheim@h", "ftp://geheim"] {
            let error = parse("HTTPS_PROXY", url).unwrap_err().to_string();
            assert!(error.contains("HTTPS_PROXY") && !error.contains("geheim"), "{error}");
        }
    }
}
