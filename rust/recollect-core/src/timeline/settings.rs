//! How a timeline is made.

use super::level::{Level, check};
use crate::bytes::{Reader, Writer};
use crate::calendar::{Unit, Zone};
use crate::error::{Error, Result};

/// Components of a vector at most.
const MAX_DIM: usize = 8192;

/// What stays the same for the life of a timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// From the finest to the coarsest.
    pub levels: Vec<Level>,
    /// Where days begin.
    pub zone: Zone,
    /// Microseconds without an event after which a session is over: TiMem's ten minutes.
    pub gap: i64,
    /// Components of the vector of an event; 0 for none.
    pub dim: usize,
    /// Terms that a node keeps count of at most.
    pub terms: usize,
}

impl Default for Settings {
    fn default() -> Self {
        use Unit::{Day, Month, Week};
        let calendar = [Day, Week, Month].map(Level::Calendar);
        let levels = [&[Level::Segment, Level::Session], &calendar[..], &[Level::Persona]].concat();
        Self { levels, zone: Zone::default(), gap: 600_000_000, dim: 0, terms: 64 }
    }
}

impl Settings {
    pub(super) fn check(&self) -> Result<()> {
        check(&self.levels)?;
        if self.gap < 0 {
            return Err(Error::invalid("gap", "expected no negative time"));
        }
        if self.dim > MAX_DIM {
            let (found, limit) = (self.dim as u64, MAX_DIM as u64);
            return Err(Error::Limit { argument: "dim".into(), found, limit });
        }
        Ok(())
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        out.u8(self.levels.len() as u8);
        self.levels.iter().for_each(|level| out.text(&level.to_string()));
        self.zone.encode(out);
        out.i64(self.gap);
        out.u64(self.dim as u64);
        out.u64(self.terms as u64);
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self> {
        let levels = (0..from.u8()?).map(|_| from.text()?.parse()).collect::<Result<Vec<Level>>>()?;
        let (zone, gap) = (Zone::decode(from)?, from.i64()?);
        let (dim, terms) = (from.u64()? as usize, from.u64()? as usize);
        let settings = Self { levels, zone, gap, dim, terms };
        settings.check()?;
        Ok(settings)
    }
}
