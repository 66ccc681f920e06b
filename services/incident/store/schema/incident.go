package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Incident is one thing that goes wrong, through its life.
type Incident struct{ ent.Schema }

// Annotations of Incident.
func (Incident) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("incidents")}
}

// Fields of Incident.
func (Incident) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Annotations(entsql.Annotation{Incremental: new(bool)}).Comment("the id of the alert that opened it"),
		field.Text("alert_key").Comment("the alert key as the ledger stores it"),
		field.Int8("state").Comment("1 firing, 2 acknowledged, 3 resolved"),
		field.Text("severity").Comment("that of the last firing alert"),
		field.Text("title").Comment("that of the last firing alert; empty for none"),
		field.Text("message").Comment("that of the last firing alert"),
		field.Text("link").Comment("that of the last firing alert; empty for none"),
		field.Text("source").Comment("that of the first alert; empty for callers"),
		field.Text("targets").Comment("the targets of its alerts, a list in JSON"),
		field.Text("messengers").Comment("the messengers of its alerts, a list in JSON; empty for all"),
		field.Text("escalation").Comment("the name of its escalation policy; empty for none"),
		field.Int64("alert_count").Comment("the number of its alerts"),
		field.Int("reopen_count").Comment("how often it was reopened"),
		field.Int64("open_time").Comment("when its first alert was recorded"),
		field.Int64("update_time").Comment("when it last changed"),
		field.Int64("resolve_time").Comment("when it was resolved"),
		field.Int64("ack_time").Comment("when it was acknowledged"),
		field.Text("ack_by").Comment("who acknowledged it"),
		field.Int("entry_count").Comment("the number of its last entry"),
		field.Int64("last_change").Comment("the id of the last change of the ledger that was applied"),
		field.Int64("revision").Comment("ascends with each change of any incident"),
	}
}

// Indexes of Incident. Open ones, which are few, have partial indexes.
func (Incident) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("revision"),
		index.Fields("alert_key", "id"),
		index.Fields("update_time"),
		index.Fields("id").StorageKey("incident_open").Annotations(entsql.IndexWhere("state <> 3")),
	}
}
