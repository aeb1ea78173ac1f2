//! Block lists: a few logarithmic look-ups per campaign instead of a walk through the list.

use std::borrow::Cow;

/// Blocked names in lower case, sorted. Look-ups ignore case.
#[derive(Debug)]
pub(super) struct BlockList<'r>(Vec<Cow<'r, str>>);

impl<'r> BlockList<'r> {
    /// Blocks these names as they are.
    pub(super) fn of_names(names: &'r [Cow<'_, str>]) -> Self {
        Self::new(names.iter().map(|name| name.trim()))
    }

    /// Blocks these domains. Publishers also paste addresses, of which the domain counts.
    pub(super) fn of_domains(domains: &'r [Cow<'_, str>]) -> Self {
        Self::new(domains.iter().map(|domain| bare_domain(domain)))
    }

    fn new(names: impl Iterator<Item = &'r str>) -> Self {
        let names = names.filter(|name| !name.is_empty());
        let mut list: Vec<_> = names.map(lower_case).collect();
        list.sort_unstable();
        Self(list)
    }

    /// Whether exactly this name is blocked.
    pub(super) fn blocks(&self, name: &str) -> bool {
        let lower = || name.bytes().map(|byte| byte.to_ascii_lowercase());
        self.0.binary_search_by(|entry| entry.bytes().cmp(lower())).is_ok()
    }

    /// Whether this category or one above it is blocked: `IAB7` blocks `IAB7-39`, not `IAB70`.
    pub(super) fn blocks_category(&self, category: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let parents = category.match_indices('-').map(|(end, _)| &category[..end]);
        parents.chain([category]).any(|name| self.blocks(name))
    }

    /// Whether this domain or one above it is blocked: `shop.example` blocks `www.shop.example`,
    /// not `myshop.example`.
    pub(super) fn blocks_domain(&self, domain: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let parents = domain.match_indices('.').map(|(dot, _)| &domain[dot + 1..]);
        parents.chain([domain]).any(|name| self.blocks(name))
    }
}

fn lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// `http://www.shop.example/path` without all but `shop.example`.
fn bare_domain(text: &str) -> &str {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(['/', ':', '?', '#']).next().unwrap_or(text);
    let has_www = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."));
    let text = if has_www { &text[4..] } else { text };
    text.trim_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &'static [&'static str]) -> Vec<Cow<'static, str>> {
        names.iter().map(|name| Cow::Borrowed(*name)).collect()
    }

    #[test]
    fn a_category_is_blocked_by_itself_and_by_its_parents() {
        let names = list(&["IAB7", "iab25-3", "", "70"]);
        let blocked = BlockList::of_names(&names);
        for category in ["IAB7", "iab7", "IAB7-39", "IAB7-39-1", "IAB25-3", "70", "70-1"] {
            assert!(blocked.blocks_category(category), "{category}");
        }
        for category in ["IAB70", "IAB", "IAB25", "IAB25-30", "7", "", "-"] {
            assert!(!blocked.blocks_category(category), "{category}");
        }
    }

    #[test]
    fn a_domain_is_blocked_by_itself_and_by_its_parents() {
        let names = list(&[
            "Shop.Example",
            "http://drawbrid.ge/",
            "go-text.me/",
            "https://www.itunes.example/us/app?id=5",
            "www.att.example",
            ".dot.example",
            "www.",
            " ",
        ]);
        let blocked = BlockList::of_domains(&names);
        for domain in [
            "shop.example",
            "a.b.shop.example",
            "drawbrid.ge",
            "go-text.me",
            "m.itunes.example",
            "att.example",
            "www.att.example",
            "dot.example",
        ] {
            assert!(blocked.blocks_domain(domain), "{domain}");
        }
        for domain in ["myshop.example", "example", "shop.example.org", "text.me", ""] {
            assert!(!blocked.blocks_domain(domain), "{domain}");
        }
    }
}
