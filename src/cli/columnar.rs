//! Rows as a parquet file: typed columns, written in groups as the rows come, so that memory does not grow with the store. Knows
//! what a column holds, not what it means.

use std::{
    io::{self, Write},
    sync::Arc,
};

use chrono::{DateTime, NaiveDate};
use parquet::{
    basic::Compression,
    column::writer::ColumnWriter,
    data_type::ByteArray,
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use serde_json::{Map, Value};

use super::shapes::{Holds, Typed};

/// A group of rows is written when it has so many rows, or so many bytes of text.
const ROWS: usize = 20_000;
const BYTES: usize = 16 << 20;

/// Rows on their way into a file. Without `finish` it is not a whole one.
pub struct Parquet<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Waiting>,
    rows: usize,
    bytes: usize,
}

/// A column of the group that is being gathered. The levels say, as the format wants it, where a value is absent and where a
/// row's list begins.
struct Waiting {
    column: Typed,
    values: Values,
    defined: Vec<i16>,
    repeated: Vec<i16>,
}

enum Values {
    Text(Vec<ByteArray>),
    Time(Vec<i64>),
    Date(Vec<i32>),
    Number(Vec<f64>),
    Flag(Vec<bool>),
}

impl<W: Write + Send> Parquet<W> {
    /// # Errors
    /// When the first bytes cannot be written.
    pub fn new(out: W, columns: &[Typed]) -> io::Result<Self> {
        let fields: String = columns.iter().map(field).collect();
        let schema = parse_message_type(&format!("message rows {{ {fields} }}")).map_err(unwritten)?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(unwritten)?;
        Ok(Self { file, columns: columns.iter().map(|c| Waiting::new(*c)).collect(), rows: 0, bytes: 0 })
    }

    /// # Errors
    /// When a full group cannot be written.
    pub fn row(&mut self, row: &Map<String, Value>) -> io::Result<()> {
        for waiting in &mut self.columns {
            self.bytes += waiting.add(row.get(waiting.column.name).unwrap_or(&Value::Null))?;
        }
        self.rows += 1;
        if self.rows >= ROWS || self.bytes >= BYTES {
            self.group()?;
        }
        Ok(())
    }

    /// Writes what waits and what makes the file a whole one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        if self.rows > 0 {
            self.group()?;
        }
        self.file.finish().map_err(unwritten)?;
        // also what lies below: a full disk shows itself at the last byte
        self.file.inner_mut().flush()
    }

    fn group(&mut self) -> io::Result<()> {
        (self.rows, self.bytes) = (0, 0);
        let mut group = self.file.next_row_group().map_err(unwritten)?;
        for waiting in &mut self.columns {
            let mut column = group.next_column().map_err(unwritten)?.expect("the schema has this column");
            waiting.write(column.untyped()).map_err(unwritten)?;
            column.close().map_err(unwritten)?;
        }
        group.close().map_err(unwritten)?;
        Ok(())
    }
}

/// A column in the words of the format.
fn field(column: &Typed) -> String {
    let name = column.name;
    match column.holds {
        Holds::Text | Holds::Json => format!("optional binary {name} (STRING); "),
        Holds::Texts => {
            format!("optional group {name} (LIST) {{ repeated group list {{ required binary element (STRING); }} }} ")
        }
        Holds::Time => format!("optional int64 {name} (TIMESTAMP(MICROS,true)); "),
        Holds::Date => format!("optional int32 {name} (DATE); "),
        Holds::Number => format!("optional double {name}; "),
        Holds::Flag => format!("optional boolean {name}; "),
    }
}

impl Waiting {
    fn new(column: Typed) -> Self {
        let values = match column.holds {
            Holds::Text | Holds::Texts | Holds::Json => Values::Text(Vec::new()),
            Holds::Time => Values::Time(Vec::new()),
            Holds::Date => Values::Date(Vec::new()),
            Holds::Number => Values::Number(Vec::new()),
            Holds::Flag => Values::Flag(Vec::new()),
        };
        Self { column, values, defined: Vec::new(), repeated: Vec::new() }
    }

    /// Takes a row's value; the bytes of text in it.
    fn add(&mut self, value: &Value) -> io::Result<usize> {
        let list = self.column.holds == Holds::Texts;
        let elements = match value {
            Value::Array(all) if list => all.as_slice(),
            Value::Null => &[],
            one => std::slice::from_ref(one),
        };
        if elements.is_empty() {
            // an empty list is there, nothing is not
            self.level(i16::from(list && !value.is_null()), 0);
        }
        let mut bytes = 0;
        for (i, element) in elements.iter().enumerate() {
            self.level(if list { 2 } else { 1 }, i16::from(i > 0));
            bytes += self.values.push(self.column.holds, element).ok_or_else(|| {
                io::Error::other(format!(
                    "the column {} holds something else than {:?}",
                    self.column.name, self.column.holds
                ))
            })?;
        }
        Ok(bytes)
    }

    fn level(&mut self, defined: i16, repeated: i16) {
        self.defined.push(defined);
        self.repeated.push(repeated);
    }

    fn write(&mut self, to: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        let defined = Some(self.defined.as_slice());
        let repeated = (self.column.holds == Holds::Texts).then_some(self.repeated.as_slice());
        match (&self.values, to) {
            (Values::Text(v), ColumnWriter::ByteArrayColumnWriter(to)) => to.write_batch(v, defined, repeated)?,
            (Values::Time(v), ColumnWriter::Int64ColumnWriter(to)) => to.write_batch(v, defined, repeated)?,
            (Values::Date(v), ColumnWriter::Int32ColumnWriter(to)) => to.write_batch(v, defined, repeated)?,
            (Values::Number(v), ColumnWriter::DoubleColumnWriter(to)) => to.write_batch(v, defined, repeated)?,
            (Values::Flag(v), ColumnWriter::BoolColumnWriter(to)) => to.write_batch(v, defined, repeated)?,
            _ => return Err(ParquetError::General(format!("the column {} is of another type", self.column.name))),
        };
        *self = Self::new(self.column);
        Ok(())
    }
}

impl Values {
    /// Takes a value and says how many bytes of text it is; `None` when it is of another kind.
    fn push(&mut self, holds: Holds, value: &Value) -> Option<usize> {
        match self {
            Self::Text(all) => {
                let text = if holds == Holds::Json { value.to_string() } else { value.as_str()?.to_owned() };
                let bytes = text.len();
                all.push(ByteArray::from(text.into_bytes()));
                return Some(bytes);
            }
            Self::Time(all) => all.push(DateTime::parse_from_rfc3339(value.as_str()?).ok()?.timestamp_micros()),
            Self::Date(all) => {
                let date: NaiveDate = value.as_str()?.parse().ok()?;
                all.push(i32::try_from((date - NaiveDate::default()).num_days()).ok()?);
            }
            Self::Number(all) => all.push(value.as_f64()?),
            Self::Flag(all) => all.push(value.as_bool()?),
        }
        Some(0)
    }
}

/// What went wrong in writing, as the writer below said it.
fn unwritten(e: ParquetError) -> io::Error {
    match e {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(e) => *e,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use parquet::{
        file::reader::{FileReader as _, SerializedFileReader},
        record::{Field, Row},
    };
    use serde_json::json;

    use super::*;

    const COLUMNS: &[Typed] = &[
        Typed { name: "text", holds: Holds::Text },
        Typed { name: "texts", holds: Holds::Texts },
        Typed { name: "json", holds: Holds::Json },
        Typed { name: "time", holds: Holds::Time },
        Typed { name: "date", holds: Holds::Date },
        Typed { name: "number", holds: Holds::Number },
        Typed { name: "flag", holds: Holds::Flag },
    ];

    fn written(rows: &[Value]) -> (Vec<Row>, usize) {
        let mut bytes = Vec::new();
        let mut file = Parquet::new(&mut bytes, COLUMNS).expect("a beginning");
        for row in rows {
            file.row(row.as_object().expect("an object")).expect("a row");
        }
        file.finish().expect("an end");
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("room");
        let reader = SerializedFileReader::new(std::fs::File::open(file.path()).expect("the file")).expect("parquet");
        let rows = reader.get_row_iter(None).expect("rows").collect::<Result<_, _>>().expect("whole rows");
        (rows, reader.num_row_groups())
    }

    /// Back in the words of JSON; times as microseconds, dates as days.
    fn json_of(field: &Field) -> Value {
        match field {
            Field::Null => Value::Null,
            Field::Str(text) => json!(text),
            Field::ListInternal(all) => all.elements().iter().map(json_of).collect(),
            Field::TimestampMicros(n) => json!(n),
            Field::Date(n) => json!(n),
            Field::Double(n) => json!(n),
            Field::Bool(flag) => json!(flag),
            other => panic!("a field of no type of ours: {other}"),
        }
    }

    fn back(row: &Row) -> Value {
        Value::Object(row.get_column_iter().map(|(name, field)| (name.clone(), json_of(field))).collect())
    }

    #[test]
    fn every_type_comes_back() {
        let given = [
            json!({"text": "Grüße, 東京 \u{1f600}", "texts": ["ä", "", "b"], "json": [{"ö": [1, null]}], "time": "2026-11-22T10:29:46.125Z",
                   "date": "2026-11-22", "number": -0.5, "flag": false}),
            json!({"text": null, "texts": null, "json": null, "time": null, "date": null, "number": null, "flag": null}),
            json!({"text": "", "texts": [], "json": {}, "time": "1969-12-31T23:59:59Z", "date": "1969-12-31", "number": 3, "flag": true}),
        ];
        let (rows, groups) = written(&given);
        assert_eq!(groups, 1);
        let wanted = [
            json!({"text": "Grüße, 東京 \u{1f600}", "texts": ["ä", "", "b"], "json": "[{\"ö\":[1,null]}]",
                   "time": 1_795_343_386_125_000_i64, "date": 20_779, "number": -0.5, "flag": false}),
            given[1].clone(),
            json!({"text": "", "texts": [], "json": "{}", "time": -1_000_000, "date": -1, "number": 3.0, "flag": true}),
        ];
        assert_eq!(rows.iter().map(back).collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn many_rows_are_many_groups_and_none_is_a_file() {
        let row = |i: usize| {
            let texts: Vec<String> = (0..i % 3).map(|n| format!("{i}-{n}")).collect();
            json!({"text": (!i.is_multiple_of(7)).then(|| i.to_string()), "texts": texts, "number": i})
        };
        let given: Vec<Value> = (0..ROWS * 2 + 5).map(row).collect();
        let (rows, groups) = written(&given);
        assert_eq!((rows.len(), groups), (given.len(), 3));
        for (given, row) in given.iter().zip(&rows) {
            let back = back(row);
            assert_eq!((&back["text"], &back["texts"]), (&given["text"], &given["texts"]));
        }
        // a group ends as well when its texts are large
        let large = json!({"text": "x".repeat(BYTES / 4 + 1)});
        let (rows, groups) = written(&[large.clone(), large.clone(), large.clone(), large.clone(), large]);
        assert_eq!((rows.len(), groups), (5, 2));
        let (rows, groups) = written(&[]);
        assert_eq!((rows.len(), groups), (0, 0));
    }

    #[test]
    fn a_value_of_another_kind_is_refused() {
        for wrong in [
            json!({"time": "soon"}),
            json!({"flag": 1}),
            json!({"number": "1"}),
            json!({"texts": [1]}),
            json!({"text": []}),
        ] {
            let mut file = Parquet::new(Vec::new(), COLUMNS).expect("a beginning");
            let refused = file.row(wrong.as_object().expect("an object"));
            assert!(refused.is_err_and(|e| e.to_string().contains("holds")), "{wrong}");
        }
    }
}
