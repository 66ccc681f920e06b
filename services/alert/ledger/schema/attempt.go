package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Attempt is one call to a provider for a delivery, with its outcome.
type Attempt struct{ ent.Schema }

// Annotations of Attempt.
func (Attempt) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("attempts")}
}

// Fields of Attempt.
func (Attempt) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("assigned by the store"),
		field.Int64("delivery_id").Comment("the delivery of the call"),
		field.Int("number").Comment("1 for the first attempt of the delivery"),
		field.Int64("fence").Comment("the fencing token of the claim under which it was made"),
		field.Int64("start_time").Comment("when the call began"),
		field.Int64("end_time").Comment("when the call ended"),
		field.Int8("kind").Comment("1 sent, 2 retry, 3 paused, 4 failed, 5 unknown"),
		field.Int8("scope").Comment("0 none, 1 message, 2 destination, 3 credential"),
		field.Int("status").Comment("the HTTP or SMTP status of the response; 0 without a response"),
		field.Text("code").Comment("the provider's error code; empty for none"),
		field.Text("message_id").Comment("the provider's id of the message; empty for none"),
		field.Text("excerpt").Comment("the begin of the response, redacted"),
		field.Bool("possible_duplicate").Comment("an earlier attempt may have reached the provider"),
		field.Bool("cut").Default(false).Comment("the text was truncated"),
		field.Text("moved").Default("").Comment("the new destination that the provider reported; empty for none"),
	}
}

// Indexes of Attempt.
func (Attempt) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("delivery_id", "number").Unique(),
	}
}
