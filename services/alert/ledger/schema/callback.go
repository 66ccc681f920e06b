package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// CallbackEndpoint is a URL to which changes of deliveries are reported.
type CallbackEndpoint struct{ ent.Schema }

// Annotations of CallbackEndpoint.
func (CallbackEndpoint) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("callback_endpoints")}
}

// Fields of CallbackEndpoint.
func (CallbackEndpoint) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.String("name").Unique().Comment("the name that alerts have"),
		field.Text("url").Comment("called by POST"),
		field.Bytes("secret").Sensitive().Comment("the signing secret, sealed"),
		field.Int64("create_time").Comment("when it was created"),
		field.Int64("next_time").Default(0).Comment("when it may be called: the end of the lease of the process that calls it, or of the wait after failed calls"),
		field.Int64("fence").Default(0).Comment("the fencing token of the last lease"),
		field.Int("tries").Default(0).Comment("failed calls since the last successful one"),
		field.Text("last_error").Default("").Comment("why the last call failed; empty if it succeeded"),
	}
}

// CallbackReport is a change of a delivery that is in no batch yet. It has copies of what is
// reported, because the delivery may change again, or be deleted.
type CallbackReport struct{ ent.Schema }

// Annotations of CallbackReport.
func (CallbackReport) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("callback_reports")}
}

// Fields of CallbackReport.
func (CallbackReport) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("assigned by the database: of two reports of a delivery the later has the higher one"),
		field.Int64("endpoint").Comment("the id of the callback endpoint"),
		field.Int64("alert_id").Comment("the alert of the delivery"),
		field.Int64("delivery_id").Comment("the delivery that changed"),
		field.Text("nickname").Comment("its recipient"),
		field.Text("messenger").Comment("its messenger"),
		field.Int8("state").Comment("its state after the change"),
		field.Text("reason").Comment("the reason of the state; empty for none"),
		field.Int64("end_time").Comment("when it was completed"),
		field.Int64("read_time").Comment("when it was read; 0 if this is not known"),
		field.Int64("create_time").Comment("when the change was recorded"),
	}
}

// Indexes of CallbackReport.
func (CallbackReport) Indexes() []ent.Index {
	return []ent.Index{index.Fields("endpoint", "id").StorageKey("callback_report_endpoint")}
}

// CallbackBatch is a request to a callback endpoint that has not succeeded yet. It never
// changes except for its time and tries, so that each call of it is the same.
type CallbackBatch struct{ ent.Schema }

// Annotations of CallbackBatch.
func (CallbackBatch) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("callback_batches")}
}

// Fields of CallbackBatch.
func (CallbackBatch) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Comment("the webhook-id, random"),
		field.Int64("endpoint").Comment("the id of the callback endpoint"),
		field.Int("size").Comment("the number of its reports"),
		field.Bytes("body").Comment("the request body"),
		field.Int64("create_time").Comment("when its first report was recorded"),
		field.Int64("next_time").Comment("when it may be sent"),
		field.Int("tries").Default(0).Comment("its failed calls"),
	}
}

// Indexes of CallbackBatch.
func (CallbackBatch) Indexes() []ent.Index {
	return []ent.Index{index.Fields("endpoint", "next_time").StorageKey("callback_batch_endpoint")}
}
