package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// AuditBatch is some entries of one caller.
type AuditBatch struct{ ent.Schema }

// Annotations of AuditBatch.
func (AuditBatch) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("audit_batches")}
}

// Fields of AuditBatch. The order is that of the columns: a database that reads the first of
// them does not read the data.
func (AuditBatch) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id").Comment("orders the batches of one last_time"),
		field.Int64("first_time").Comment("the time of the first entry"),
		field.Int64("last_time").Comment("the time of the last entry"),
		field.Int("entry_count").Comment("how many entries it has"),
		field.Text("caller").Comment("the caller of all of its entries"),
		field.Bytes("resources").Comment("the hashes of the resources of its entries"),
		field.Bytes("data").Comment("the entries"),
	}
}

// Indexes of AuditBatch.
func (AuditBatch) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("last_time", "id"),
		index.Fields("caller", "last_time", "id"),
	}
}
