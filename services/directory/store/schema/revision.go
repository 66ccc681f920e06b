package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Revision is the number of the last transaction that changed the directory.
type Revision struct{ ent.Schema }

// Annotations of Revision.
func (Revision) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("revisions")}
}

// Fields of Revision.
func (Revision) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("name").Comment("directory: there is one row"),
		field.Int64("number").Comment("the number of the last change"),
	}
}
