//! The code lists of OpenRTB that both requests and campaigns speak, in one canonical form each.

use std::fmt;

/// Where an ad is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    /// In an application.
    App,
    /// On a website.
    Site,
    /// On a digital out-of-home screen.
    Dooh,
}

impl Channel {
    /// Reads the name as the request's objects are called.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "app" => Some(Self::App),
            "site" => Some(Self::Site),
            "dooh" => Some(Self::Dooh),
            _ => None,
        }
    }

    /// The name of the request's object.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Site => "site",
            Self::Dooh => "dooh",
        }
    }
}

/// A country by its ISO 3166-1 alpha-3 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Country([u8; 3]);

impl Country {
    /// Reads an alpha-3 code, as the standard has it, or an alpha-2 code, as many exchanges send,
    /// in any case. None if it is not in the list.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        match *code.as_bytes() {
            [a, b] => {
                let alpha_2 = [a.to_ascii_uppercase(), b.to_ascii_uppercase()];
                let at =
                    COUNTRIES.binary_search_by(|row| row.as_bytes()[..2].cmp(&alpha_2)).ok()?;
                let row = COUNTRIES[at].as_bytes();
                Some(Self([row[2], row[3], row[4]]))
            }
            [a, b, c] => {
                let alpha_3 = [a, b, c].map(|letter| letter.to_ascii_uppercase());
                let known = COUNTRIES.iter().any(|row| row.as_bytes()[2..] == alpha_3);
                known.then_some(Self(alpha_3))
            }
            _ => None,
        }
    }

    /// The alpha-3 code.
    pub(crate) fn code(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or("")
    }
}

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Currency([u8; 3]);

impl Currency {
    /// The currency of whatever does not state one.
    pub(crate) const USD: Self = Self(*b"USD");

    /// Reads a code in any case. None if it is not in the list of currencies in use.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        let code = <[u8; 3]>::try_from(code.as_bytes()).ok()?;
        let code = code.map(|letter| letter.to_ascii_uppercase());
        CURRENCIES.binary_search_by(|row| row.as_bytes().cmp(&code)).ok().map(|_| Self(code))
    }

    /// The code.
    pub(crate) fn code(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or("")
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The family of an operating system, in lower case, for the many names that exchanges have for
/// it: `iPhone OS`, `ipad` and `iOS` are all `ios`. A name that is not known is its own family.
pub(crate) fn os_family(name: &str) -> String {
    let mut name = name.trim().to_ascii_lowercase();
    let family = match name.as_str() {
        "iphone" | "ipad" | "ipod" | "iphone os" | "ipados" => "ios",
        "mac os" | "mac os x" | "os x" | "osx" | "mac" | "macintosh" => "macos",
        other if other.starts_with("ios ") => "ios",
        other if other.starts_with("android ") => "android",
        other if other.starts_with("windows ") && other != "windows phone" => "windows",
        _ => return name,
    };
    name.clear();
    name.push_str(family);
    name
}

/// ISO 3166-1: alpha-2 and alpha-3 code of each country, sorted.
#[rustfmt::skip]
const COUNTRIES: [&str; 249] = [
    "ADAND", "AEARE", "AFAFG", "AGATG", "AIAIA", "ALALB", "AMARM", "AOAGO", "AQATA", "ARARG",
    "ASASM", "ATAUT", "AUAUS", "AWABW", "AXALA", "AZAZE", "BABIH", "BBBRB", "BDBGD", "BEBEL",
    "BFBFA", "BGBGR", "BHBHR", "BIBDI", "BJBEN", "BLBLM", "BMBMU", "BNBRN", "BOBOL", "BQBES",
    "BRBRA", "BSBHS", "BTBTN", "BVBVT", "BWBWA", "BYBLR", "BZBLZ", "CACAN", "CCCCK", "CDCOD",
    "CFCAF", "CGCOG", "CHCHE", "CICIV", "CKCOK", "CLCHL", "CMCMR", "CNCHN", "COCOL", "CRCRI",
    "CUCUB", "CVCPV", "CWCUW", "CXCXR", "CYCYP", "CZCZE", "DEDEU", "DJDJI", "DKDNK", "DMDMA",
    "DODOM", "DZDZA", "ECECU", "EEEST", "EGEGY", "EHESH", "ERERI", "ESESP", "ETETH", "FIFIN",
    "FJFJI", "FKFLK", "FMFSM", "FOFRO", "FRFRA", "GAGAB", "GBGBR", "GDGRD", "GEGEO", "GFGUF",
    "GGGGY", "GHGHA", "GIGIB", "GLGRL", "GMGMB", "GNGIN", "GPGLP", "GQGNQ", "GRGRC", "GSSGS",
    "GTGTM", "GUGUM", "GWGNB", "GYGUY", "HKHKG", "HMHMD", "HNHND", "HRHRV", "HTHTI", "HUHUN",
    "IDIDN", "IEIRL", "ILISR", "IMIMN", "ININD", "IOIOT", "IQIRQ", "IRIRN", "ISISL", "ITITA",
    "JEJEY", "JMJAM", "JOJOR", "JPJPN", "KEKEN", "KGKGZ", "KHKHM", "KIKIR", "KMCOM", "KNKNA",
    "KPPRK", "KRKOR", "KWKWT", "KYCYM", "KZKAZ", "LALAO", "LBLBN", "LCLCA", "LILIE", "LKLKA",
    "LRLBR", "LSLSO", "LTLTU", "LULUX", "LVLVA", "LYLBY", "MAMAR", "MCMCO", "MDMDA", "MEMNE",
    "MFMAF", "MGMDG", "MHMHL", "MKMKD", "MLMLI", "MMMMR", "MNMNG", "MOMAC", "MPMNP", "MQMTQ",
    "MRMRT", "MSMSR", "MTMLT", "MUMUS", "MVMDV", "MWMWI", "MXMEX", "MYMYS", "MZMOZ", "NANAM",
    "NCNCL", "NENER", "NFNFK", "NGNGA", "NINIC", "NLNLD", "NONOR", "NPNPL", "NRNRU", "NUNIU",
    "NZNZL", "OMOMN", "PAPAN", "PEPER", "PFPYF", "PGPNG", "PHPHL", "PKPAK", "PLPOL", "PMSPM",
    "PNPCN", "PRPRI", "PSPSE", "PTPRT", "PWPLW", "PYPRY", "QAQAT", "REREU", "ROROU", "RSSRB",
    "RURUS", "RWRWA", "SASAU", "SBSLB", "SCSYC", "SDSDN", "SESWE", "SGSGP", "SHSHN", "SISVN",
    "SJSJM", "SKSVK", "SLSLE", "SMSMR", "SNSEN", "SOSOM", "SRSUR", "SSSSD", "STSTP", "SVSLV",
    "SXSXM", "SYSYR", "SZSWZ", "TCTCA", "TDTCD", "TFATF", "TGTGO", "THTHA", "TJTJK", "TKTKL",
    "TLTLS", "TMTKM", "TNTUN", "TOTON", "TRTUR", "TTTTO", "TVTUV", "TWTWN", "TZTZA", "UAUKR",
    "UGUGA", "UMUMI", "USUSA", "UYURY", "UZUZB", "VAVAT", "VCVCT", "VEVEN", "VGVGB", "VIVIR",
    "VNVNM", "VUVUT", "WFWLF", "WSWSM", "YEYEM", "YTMYT", "ZAZAF", "ZMZMB", "ZWZWE",
];

/// ISO 4217 without precious metals, funds and test codes, sorted.
#[rustfmt::skip]
const CURRENCIES: [&str; 168] = [
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT",
    "BGN", "BHD", "BIF", "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD",
    "CAD", "CDF", "CHE", "CHF", "CHW", "CLF", "CLP", "CNY", "COP", "COU", "CRC", "CUC", "CUP",
    "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP",
    "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HRK", "HTG", "HUF", "IDR",
    "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW",
    "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA",
    "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD",
    "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG",
    "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE",
    "SLL", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP",
    "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "USN", "UYI", "UYU", "UYW", "UZS", "VED",
    "VES", "VND", "VUV", "WST", "XAF", "XCD", "XOF", "XPF", "YER", "ZAR", "ZMW", "ZWL",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_lists_are_sorted_and_well_formed() {
        assert!(COUNTRIES.is_sorted() && CURRENCIES.is_sorted());
        for (codes, length) in [(&COUNTRIES[..], 5), (&CURRENCIES[..], 3)] {
            for code in codes {
                assert!(code.len() == length && code.bytes().all(|b| b.is_ascii_uppercase()));
            }
        }
    }

    #[test]
    fn countries_are_equal_in_any_spelling() {
        let usa = Country::from_code("USA").expect("is in the list");
        assert_eq!(usa.code(), "USA");
        for code in ["US", "us", "Usa"] {
            assert_eq!(Country::from_code(code), Some(usa));
        }
        assert_eq!(Country::from_code("CH").map(|c| c.code().to_owned()).as_deref(), Some("CHE"));
        for code in ["", "U", "XX", "TST", "USAA", "\u{e9}a"] {
            assert_eq!(Country::from_code(code), None, "{code}");
        }
    }

    #[test]
    fn currencies_are_equal_in_any_case() {
        assert_eq!(Currency::from_code("usd"), Some(Currency::USD));
        assert_eq!(Currency::from_code("JPY").map(|c| c.code().to_owned()).as_deref(), Some("JPY"));
        for code in ["", "UDS", "test", "XTS", "XAU"] {
            assert_eq!(Currency::from_code(code), None, "{code}");
        }
    }

    #[test]
    fn operating_systems_have_families() {
        let cases = [
            ("iphone", "ios"),
            ("iPad", "ios"),
            ("iPhone OS", "ios"),
            ("iOS 17.1", "ios"),
            ("Android", "android"),
            ("OS X", "macos"),
            ("Windows 7", "windows"),
            ("Windows Phone", "windows phone"),
            ("Tizen", "tizen"),
        ];
        for (name, family) in cases {
            assert_eq!(os_family(name), family);
        }
    }
}
