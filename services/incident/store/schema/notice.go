package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Notice is an alert about an incident that is not recorded in the ledger yet.
type Notice struct{ ent.Schema }

// Annotations of Notice.
func (Notice) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("notices")}
}

// Fields of Notice.
func (Notice) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("assigned by the database"),
		field.Int64("incident").Comment("the incident"),
		field.Int("entry").Comment("the number of the entry that it is about; 0 for none"),
		field.Text("content").Comment("the alert in JSON"),
		field.Int("attempt").Comment("the number of claims"),
		field.Int64("create_time").Comment("when it was added"),
		field.Int64("due_time").Comment("when it is to be sent, or sent again"),
	}
}

// Indexes of Notice.
func (Notice) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("due_time"),
		index.Fields("incident", "id"),
	}
}
