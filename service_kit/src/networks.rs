//! Networks that an operator lists.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

/// Addresses and networks. In settings a text, as `10.0.0.0/8, ::1`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether `address` is in one of them.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl TryFrom<String> for Networks {
    type Error = String;

    /// Addresses and networks, separated by commas.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let networks = text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| {
            let network = part.parse().or_else(|_| part.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| format!("`{part}` is neither an address nor a network such as 10.0.0.0/8"))
        });
        Ok(Self(networks.collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_none_is_refused() {
        assert!(Networks::try_from("10.0.0.0/33".to_owned()).unwrap_err().contains("10.0.0.0/33"));
        assert_eq!(Networks::try_from(" 10.0.0.1 ,, fd00::/8 ".to_owned()).unwrap().0.len(), 2);
    }

    #[test]
    fn an_empty_list_contains_nothing() {
        let none = Networks::try_from(String::new()).unwrap();
        assert!(!none.contain("10.0.0.1".parse().unwrap()));
        let some = Networks::try_from("10.0.0.0/8".to_owned()).unwrap();
        assert!(some.contain("10.0.0.1".parse().unwrap()) && !some.contain("11.0.0.1".parse().unwrap()));
    }
}
