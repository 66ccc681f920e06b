package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Batch is alerts that are sent as one.
type Batch struct{ ent.Schema }

// Annotations of Batch.
func (Batch) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("batches")}
}

// Fields of Batch.
func (Batch) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id").Comment("orders the batches"),
		field.String("open_key").Optional().Nillable().Unique().Comment("the hash of the rule, the targets and the settings; null in a batch that takes no more alerts"),
		field.Text("rule").Comment("the name of the rule"),
		field.Bytes("alert").Comment("the parts that all its alerts have in common, as JSON"),
		field.Text("idempotency_key").Comment("the idempotency key of its alert"),
		field.Int("item_count").Comment("how many items it has"),
		field.Int64("due_time").Comment("when it is sent"),
		field.Int64("lease_time").Default(0).Comment("until when a process is sending it"),
		field.Int("failures").Default(0).Comment("how often its alert failed by itself"),
	}
}

// Indexes of Batch.
func (Batch) Indexes() []ent.Index {
	return []ent.Index{index.Fields("due_time"), index.Fields("rule")}
}

// BatchItem is an alert of a batch.
type BatchItem struct{ ent.Schema }

// Annotations of BatchItem.
func (BatchItem) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("batch_items")}
}

// Fields of BatchItem.
func (BatchItem) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id").Comment("orders the items of a batch"),
		field.Int("batch_id").Comment("the batch"),
		field.Text("key").Comment("the idempotency key of the event's alert"),
		field.Text("severity").Comment("the severity of the event's alert"),
		field.Text("title").Comment("the title of the event's alert"),
		field.Text("message").Comment("the message of the event's alert"),
		field.Text("link").Comment("the link of the event's alert"),
		field.Bytes("event").Comment("the event, as JSON"),
	}
}

// Indexes of BatchItem.
func (BatchItem) Indexes() []ent.Index {
	return []ent.Index{index.Fields("batch_id", "id")}
}

// BatchedKey is the key of an alert that was added to a batch.
type BatchedKey struct{ ent.Schema }

// Annotations of BatchedKey.
func (BatchedKey) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("batched_keys")}
}

// Fields of BatchedKey.
func (BatchedKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Comment("the idempotency key of the event's alert"),
		field.Int64("add_time").Comment("when it was added"),
	}
}

// Indexes of BatchedKey.
func (BatchedKey) Indexes() []ent.Index {
	return []ent.Index{index.Fields("add_time")}
}
