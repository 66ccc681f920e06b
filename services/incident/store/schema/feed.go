package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Feed is the position in the changes of the ledger, and the lease of the process that follows
// them. There is one row.
type Feed struct{ ent.Schema }

// Annotations of Feed.
func (Feed) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("feeds")}
}

// Fields of Feed.
func (Feed) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Annotations(entsql.Annotation{Incremental: new(bool)}).Comment("1"),
		field.Int64("last_change").Comment("the id of the last change that was applied"),
		field.Text("holder").Comment("the process with the lease; empty for none"),
		field.Int64("lease_time").Comment("when the lease ends"),
	}
}
