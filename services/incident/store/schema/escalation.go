package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// EscalationPolicy holds the steps that notify targets of an incident until it is acknowledged.
type EscalationPolicy struct{ ent.Schema }

// Annotations of EscalationPolicy.
func (EscalationPolicy) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("escalation_policies")}
}

// Fields of EscalationPolicy.
func (EscalationPolicy) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("name").Comment("its name"),
		field.Text("steps").Comment("in JSON"),
		field.Int("repeat_count").Comment("how often all steps are repeated"),
		field.Int64("update_time").Comment("when it was last set"),
	}
}

// EscalationGroup attaches a policy to a group.
type EscalationGroup struct{ ent.Schema }

// Annotations of EscalationGroup.
func (EscalationGroup) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("escalation_groups")}
}

// Fields of EscalationGroup.
func (EscalationGroup) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("group_name").Comment("the name of the group"),
		field.Text("policy").Comment("the name of the policy"),
	}
}

// Escalation is the escalation of an open incident that is not acknowledged.
type Escalation struct{ ent.Schema }

// Annotations of Escalation.
func (Escalation) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("escalations")}
}

// Fields of Escalation: the id is that of the incident.
func (Escalation) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Annotations(entsql.Annotation{Incremental: new(bool)}).Comment("the incident"),
		field.Text("steps").Comment("those of its policy when it began, in JSON"),
		field.Int("repeat_count").Comment("how often all steps are repeated"),
		field.Int("step").Comment("index of the next step"),
		field.Int("round").Comment("0 until all steps were taken once"),
		field.Int64("due_time").Comment("when the next step is due"),
	}
}

// Indexes of Escalation.
func (Escalation) Indexes() []ent.Index { return []ent.Index{index.Fields("due_time")} }
