package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Inbox is the inbox of a user. A transaction that adds items locks its row, so that the numbers
// become visible in their order.
type Inbox struct{ ent.Schema }

// Annotations of Inbox.
func (Inbox) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("inboxes")}
}

// Fields of Inbox.
func (Inbox) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("nickname").Comment("the user's nickname, in canonical form"),
		field.Int64("last_number").Comment("the last number that is assigned"),
	}
}
