package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// IncidentChange is the effect of an alert on its incident, until the incident service has stored
// it.
type IncidentChange struct{ ent.Schema }

// Annotations of IncidentChange.
func (IncidentChange) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("incident_changes")}
}

// Fields of IncidentChange.
func (IncidentChange) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("assigned by the database"),
		field.Int64("alert_id").Comment("the alert"),
		field.Int64("incident").Comment("the id of the alert that opened the incident"),
		field.Int8("kind").Comment("1 opened, 2 updated, 3 repeated, 4 reopened, 5 resolved, 6 acknowledged"),
	}
}
