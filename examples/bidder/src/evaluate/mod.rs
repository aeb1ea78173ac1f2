//! Decides which campaigns bid for what, and how much: a pure function of request and campaigns.
//!
//! Every campaign is looked at once, in order of ids: [`matching`] says which of its creatives
//! may show, [`score`] what that is worth. The highest price wins an impression; of equal prices
//! the first id, and of one campaign's creatives the first in its list.
//!
//! The cost is linear in campaigns, and for those that match in impressions times creatives, which
//! are bounded by 32 and 64. Nothing is allocated per campaign.

mod blocks;
mod matching;
mod score;
#[cfg(test)]
mod tests;

use crate::campaign::{Campaign, Campaigns, Creative, Medium};
use crate::openrtb::{
    Bid, BidRequest, BidResponse, Currency, MARKUP_BANNER, MARKUP_NATIVE, MARKUP_VIDEO, SeatBid,
};
use matching::{Audience, Placement};
use score::Opportunity;

/// The best bids for `request`, at most one an impression; none if nobody bids.
///
/// All bids are in one currency: the first that the request accepts and a campaign pays in. Prices
/// don't depend on the auction type (`at`): each is what the impression is worth to the campaign,
/// which is the right bid where the winner pays the second price (the default), and more than is
/// needed where it pays its own. Shading those needs a history of wins, which is not here.
pub(crate) fn evaluate<'r>(
    request: &'r BidRequest<'_>,
    campaigns: &'r Campaigns,
) -> Option<BidResponse<'r>> {
    let currency = accepted_currency(request, campaigns)?;
    let mut auctions = Vec::with_capacity(request.imp.len());
    for (position, imp) in request.imp.iter().enumerate() {
        if let Some(placement) = Placement::new(imp, *currency) {
            auctions.push(Auction { position, placement, best: None });
        }
    }
    if auctions.is_empty() {
        return None;
    }
    let audience = Audience::new(request);
    let opportunity = Opportunity::new(request, &audience);
    for campaign in campaigns.iter() {
        if campaign.currency == *currency && audience.admits(campaign) {
            enter(campaign, &opportunity, &mut auctions);
        }
    }
    let seatbid = seats(&auctions);
    if seatbid.is_empty() {
        return None;
    }
    Some(BidResponse { id: &request.id, seatbid, cur: Some(currency.code()), nbr: None })
}

/// The first currency that the request accepts and any campaign pays in.
fn accepted_currency<'r>(
    request: &BidRequest<'_>,
    campaigns: &'r Campaigns,
) -> Option<&'r Currency> {
    if request.cur.is_empty() {
        return campaigns.currency(Currency::USD);
    }
    let mut accepted = request.cur.iter().filter_map(|code| Currency::from_code(code));
    accepted.find_map(|currency| campaigns.currency(currency))
}

/// The competition of the campaigns for one impression.
struct Auction<'r> {
    /// Position of the impression in the request.
    position: usize,
    placement: Placement<'r>,
    best: Option<Offer<'r>>,
}

/// What a campaign would pay to show a creative.
struct Offer<'r> {
    campaign: &'r Campaign,
    creative: &'r Creative,
    price: f64,
}

/// Lets a campaign compete with each of its creatives for each impression.
fn enter<'r>(campaign: &'r Campaign, opportunity: &Opportunity, auctions: &mut [Auction<'r>]) {
    // Most of the score is the same for all creatives, and most campaigns have none that fits.
    let mut shared_log_odds = None;
    for Auction { placement, best, .. } in auctions {
        if placement.blocks(campaign) {
            continue;
        }
        for creative in &campaign.creatives {
            if !placement.fits(creative) {
                continue;
            }
            let log_odds = *shared_log_odds
                .get_or_insert_with(|| opportunity.shared_log_odds(&campaign.model))
                + opportunity.creative_log_odds(&campaign.model, creative);
            let price = score::price(campaign, score::click_rate(log_odds));
            let to_beat = best.as_ref().map_or(0.0, |offer| offer.price);
            if price >= placement.floor && price > to_beat {
                *best = Some(Offer { campaign, creative, price });
            }
        }
    }
}

/// The winning offers as bids under their seats, both in order of the impressions.
fn seats<'r>(auctions: &[Auction<'r>]) -> Vec<SeatBid<'r>> {
    let mut seats: Vec<SeatBid<'r>> = Vec::new();
    for auction in auctions {
        let Some(offer) = &auction.best else { continue };
        let bid = bid(auction, offer);
        match seats.iter_mut().find(|seat| seat.seat == offer.campaign.seat) {
            Some(seat) => seat.bid.push(bid),
            None => seats.push(SeatBid { seat: &offer.campaign.seat, bid: vec![bid] }),
        }
    }
    seats
}

fn bid<'r>(auction: &Auction<'r>, offer: &Offer<'r>) -> Bid<'r> {
    let Offer { campaign, creative, price } = *offer;
    let (mtype, size, duration_s) = match creative.medium {
        Medium::Banner { w, h, .. } => (MARKUP_BANNER, Some((w, h)), None),
        Medium::Video { w, h, duration_s, .. } => (MARKUP_VIDEO, Some((w, h)), Some(duration_s)),
        Medium::Native => (MARKUP_NATIVE, None, None),
    };
    Bid {
        // The position keeps it short and distinct, whatever the impressions are called.
        id: format!("{}-{}", auction.position + 1, campaign.id),
        impid: &auction.placement.imp.id,
        price,
        adm: &creative.markup,
        adomain: &campaign.advertiser_domains,
        bundle: campaign.app_bundle.as_deref(),
        cid: &campaign.id,
        crid: &creative.id,
        cat: &campaign.categories,
        attr: &creative.attributes,
        w: size.map(|(w, _)| w),
        h: size.map(|(_, h)| h),
        duration_s,
        mtype,
    }
}
