//! How a value of the file becomes a value of the program: [`one`], [`many`] and their kin stand in `deserialize_with`, so
//! that the sections hold plain types and a wrong value is reported at its own place.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    marker::PhantomData,
};

use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeSeed, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer,
        value::SeqAccessDeserializer,
    },
};
use toml::Value;

/// A kind of value.
pub trait Reading {
    type Out;
    /// The value, or what is expected in words.
    fn read(value: Value) -> Result<Self::Out, String>;
}

/// Hands a value to a function, inside the reader's sight, so that an error has the value's place.
pub struct Leaf<F>(pub F);

impl<'de, T, F: FnOnce(Value) -> Result<T, String>> DeserializeSeed<'de> for Leaf<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<T, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de, T, F: FnOnce(Value) -> Result<T, String>> Visitor<'de> for Leaf<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_bool<E: de::Error>(self, v: bool) -> Result<T, E> {
        (self.0)(Value::Boolean(v)).map_err(E::custom)
    }
    fn visit_i64<E: de::Error>(self, v: i64) -> Result<T, E> {
        (self.0)(Value::Integer(v)).map_err(E::custom)
    }
    fn visit_f64<E: de::Error>(self, v: f64) -> Result<T, E> {
        (self.0)(Value::Float(v)).map_err(E::custom)
    }
    fn visit_str<E: de::Error>(self, v: &str) -> Result<T, E> {
        (self.0)(Value::String(v.to_owned())).map_err(E::custom)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        (self.0)(Value::deserialize(MapAccessDeserializer::new(map))?).map_err(de::Error::custom)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        (self.0)(Value::deserialize(SeqAccessDeserializer::new(seq))?).map_err(de::Error::custom)
    }
}

/// Carries a reading through serde's own containers.
struct As<R: Reading>(R::Out);

impl<'de, R: Reading> Deserialize<'de> for As<R> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Leaf(R::read).deserialize(d).map(Self)
    }
}

struct AsKey<R: Reading>(PhantomData<R>);

impl<'de, R: Reading> DeserializeSeed<'de> for AsKey<R> {
    type Value = R::Out;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<R::Out, D::Error> {
        R::read(Value::String(String::deserialize(d)?)).map_err(de::Error::custom)
    }
}

pub fn one<'de, R: Reading, D: Deserializer<'de>>(d: D) -> Result<R::Out, D::Error> {
    As::<R>::deserialize(d).map(|v| v.0)
}

pub fn maybe<'de, R: Reading, D: Deserializer<'de>>(d: D) -> Result<Option<R::Out>, D::Error> {
    one::<R, D>(d).map(Some)
}

pub fn many<'de, R: Reading, D: Deserializer<'de>>(d: D) -> Result<Vec<R::Out>, D::Error> {
    Ok(Vec::<As<R>>::deserialize(d)?.into_iter().map(|v| v.0).collect())
}

pub fn set<'de, R: Reading<Out: Ord>, D: Deserializer<'de>>(d: D) -> Result<BTreeSet<R::Out>, D::Error> {
    Ok(many::<R, D>(d)?.into_iter().collect())
}

pub fn maybe_set<'de, R: Reading<Out: Ord>, D: Deserializer<'de>>(d: D) -> Result<Option<BTreeSet<R::Out>>, D::Error> {
    set::<R, D>(d).map(Some)
}

/// A table whose keys and values both have a kind.
pub fn table<'de, K: Reading<Out: Ord>, V: Reading, D: Deserializer<'de>>(
    d: D,
) -> Result<BTreeMap<K::Out, V::Out>, D::Error> {
    struct Table<K, V>(PhantomData<(K, V)>);
    impl<'de, K: Reading<Out: Ord>, V: Reading> Visitor<'de> for Table<K, V> {
        type Value = BTreeMap<K::Out, V::Out>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = Self::Value::new();
            while let Some(key) = map.next_key_seed(AsKey::<K>(PhantomData))? {
                all.insert(key, map.next_value_seed(Leaf(V::read))?);
            }
            Ok(all)
        }
    }
    d.deserialize_map(Table::<K, V>(PhantomData))
}
