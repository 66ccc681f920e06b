package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Ping is a ping of a heartbeat.
type Ping struct{ ent.Schema }

// Annotations of Ping.
func (Ping) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("pings")}
}

// Fields of Ping.
func (Ping) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("assigned by the database"),
		field.Int64("monitor").Comment("the heartbeat"),
		field.Int8("kind").Comment("1 success, 2 start, 3 fail"),
		field.Int64("time").Comment("when it arrived"),
		field.Bytes("body").Comment("what was sent with it"),
		field.Text("content_type").Comment("the type of the body; empty for none"),
		field.Text("author").Comment("the caller; empty for none"),
	}
}

// Indexes of Ping.
func (Ping) Indexes() []ent.Index {
	return []ent.Index{index.Fields("monitor", "time")}
}
