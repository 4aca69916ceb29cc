//! The orders of the library. Each has an index; ties are broken by the identifier, so that every video has one place.

use entity::video_db::video;
use sea_orm::sea_query::{Expr, Order, SelectStatement};
use sea_orm::{ColumnTrait, DbBackend, ExprTrait};
use serde::Deserialize;
use utoipa::ToSchema;

use super::cursor::{Key, Place};

/// What a list is sorted by; `-` turns the order around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub(super) enum Sort {
    /// Oldest first.
    #[serde(rename = "created_at")]
    Oldest,
    /// Newest first.
    #[default]
    #[serde(rename = "-created_at")]
    Newest,
    /// By title, without regard to the case of ASCII letters.
    #[serde(rename = "title")]
    Title,
    /// The same, backwards.
    #[serde(rename = "-title")]
    TitleBackwards,
    /// Shortest first, before them those whose duration is not known.
    #[serde(rename = "duration_seconds")]
    Shortest,
    /// Longest first.
    #[serde(rename = "-duration_seconds")]
    Longest,
    /// Smallest first, before them those that wait for their bytes.
    #[serde(rename = "bytes")]
    Smallest,
    /// Largest first.
    #[serde(rename = "-bytes")]
    Largest,
}

fn id() -> Expr {
    Expr::col((video::Entity, video::Column::Id))
}

/// In place of what is not known: below all that can be.
const UNKNOWN: i64 = -1;

impl Sort {
    /// That a video comes behind `after`. `None`: that is no place in this order.
    pub(super) fn behind(self, after: Place, backend: DbBackend) -> Option<Expr> {
        let place = match self.expression(backend) {
            // Comparing rows, not columns one by one, lets both databases go to the place in the index.
            Some(key) => Expr::tuple([key, id()]),
            None => id(),
        };
        let bound = self.bound(after)?;
        Some(if self.is_descending() { place.lt(bound) } else { place.gt(bound) })
    }

    /// That `id`, a column of another table, is that of a video behind `after`; `None` where this is not the order of
    /// identifiers.
    pub(super) fn is_behind(self, id: impl ColumnTrait, after: &Place) -> Option<Expr> {
        match self {
            Self::Newest => Some(id.lt(after.id)),
            Self::Oldest => Some(id.gt(after.id)),
            _ => None,
        }
    }

    /// Puts videos into this order.
    pub(super) fn order(self, videos: &mut SelectStatement, backend: DbBackend) {
        let order = if self.is_descending() { Order::Desc } else { Order::Asc };
        if let Some(key) = self.expression(backend) {
            videos.order_by_expr(key, order.clone());
        }
        videos.order_by_expr(id(), order);
    }

    /// Where `row` is.
    pub(super) fn place(self, row: &video::Model) -> Place {
        let key = match self {
            Self::Oldest | Self::Newest => Key::Id,
            Self::Title | Self::TitleBackwards => Key::Text(row.title.to_ascii_lowercase()),
            Self::Shortest | Self::Longest => Key::Real(row.duration_seconds.unwrap_or(-1.0).to_bits()),
            Self::Smallest | Self::Largest => Key::Integer(row.bytes.unwrap_or(UNKNOWN)),
        };
        Place { key, id: row.id }
    }

    fn is_descending(self) -> bool {
        matches!(self, Self::Newest | Self::TitleBackwards | Self::Longest | Self::Largest)
    }

    /// What is sorted by, word for word as in the index; `None` is the identifier alone, whose order is that of creation.
    fn expression(self, backend: DbBackend) -> Option<Expr> {
        let (sqlite, postgres) = match self {
            Self::Oldest | Self::Newest => return None,
            Self::Title | Self::TitleBackwards => ("title_key", r#"lower(title COLLATE "C")"#),
            Self::Shortest | Self::Longest => ("duration_key", "coalesce(duration_seconds, -1)"),
            Self::Smallest | Self::Largest => ("bytes_key", "coalesce(bytes, -1)"),
        };
        Some(Expr::cust(if backend == DbBackend::Sqlite { sqlite } else { postgres }))
    }

    fn bound(self, after: Place) -> Option<Expr> {
        let key = match (self, after.key) {
            (Self::Oldest | Self::Newest, Key::Id) => return Some(Expr::value(after.id)),
            (Self::Title | Self::TitleBackwards, Key::Text(title)) => Expr::value(title),
            (Self::Shortest | Self::Longest, Key::Real(bits)) => Expr::value(f64::from_bits(bits)),
            (Self::Smallest | Self::Largest, Key::Integer(bytes)) => Expr::value(bytes),
            _ => return None,
        };
        Some(Expr::tuple([key, Expr::value(after.id)]))
    }
}
