package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// EventRule is a rule.
type EventRule struct{ ent.Schema }

// Annotations of EventRule.
func (EventRule) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("event_rules")}
}

// Fields of EventRule.
func (EventRule) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").NotEmpty().MaxLen(100).Validate(text).Comment("the name"),
		field.Text("type").NotEmpty().Validate(text).Comment("the pattern of types"),
		field.Text("condition").Validate(text).Comment("the CEL expression; empty for always"),
		field.Text("title").Validate(text).Comment("the template of the title"),
		field.Text("message").NotEmpty().Validate(text).Comment("the template of the message"),
		field.Text("link").Validate(text).Comment("the template of the link"),
		field.Text("severity").Validate(text).Comment("the template of the severity"),
		field.Text("notify").NotEmpty().Validate(text).Comment("who is notified, as JSON"),
		field.Int("batch_count").Default(0).Comment("the number of events of a batch; 0 for no batches"),
		field.Int64("batch_within").Default(0).Comment("the longest time that a batch is open, in microseconds"),
		field.Text("batch_message").Default("").Validate(text).Comment("the template of the message of a batch"),
		field.Bool("disabled").Default(false).Comment("no event is matched"),
		field.Int64("ttl").Default(0).Comment("the time to live of the alerts, in microseconds; 0 for their default"),
		field.Text("alert_key").Default("").Validate(text).Comment("the template of the alert key; empty for none"),
		field.Text("status").Default("").Validate(text).Comment("the template of the status; empty for firing"),
		field.Text("escalation").Default("").Validate(text).Comment("the escalation policy of its incidents; empty for none"),
		field.Text("repeat_fields").Default("").Validate(text).Comment("the fields whose change makes an update, as JSON; empty for those of the alert service"),
		field.Int64("revision").Comment("the revision of all rules at the last change of this one"),
		field.Int64("update_time").Comment("when the rule was last changed"),
	}
}

// RuleRevision counts the changes of rules.
type RuleRevision struct{ ent.Schema }

// Annotations of RuleRevision.
func (RuleRevision) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("rule_revisions")}
}

// Fields of RuleRevision.
func (RuleRevision) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id").Comment("1: there is one row"),
		field.Int64("revision").Comment("the number of changes of rules"),
	}
}
