package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Entry is an entry of the timeline of an incident.
type Entry struct{ ent.Schema }

// Annotations of Entry.
func (Entry) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("incident_entries")}
}

// Fields of Entry.
func (Entry) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("assigned by the database"),
		field.Int64("incident").Comment("the incident"),
		field.Int("number").Comment("its number in the timeline"),
		field.Int8("kind").Comment("1 opened, 2 updated, 3 reopened, 4 resolved, 5 acknowledged, 6 unacknowledged, 7 commented, 8 escalated"),
		field.Int64("time").Comment("when it happened"),
		field.Text("author").Comment("who did it; empty for an alert"),
		field.Text("text").Comment("the comment; empty for none"),
		field.Int64("alert_id").Comment("the alert that caused it, or was recorded for it; 0 for none"),
	}
}

// Indexes of Entry.
func (Entry) Indexes() []ent.Index {
	return []ent.Index{index.Fields("incident", "number").Unique()}
}
