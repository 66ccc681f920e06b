package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
)

// Group is a named set of users.
type Group struct{ ent.Schema }

// Annotations of Group.
func (Group) Annotations() []schema.Annotation {
	return []schema.Annotation{
		entsql.Table("groups"),
		entsql.Checks(map[string]string{"groupname_length": "length(groupname) BETWEEN 1 AND 30"}),
	}
}

// Fields of Group.
func (Group) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").StorageKey("groupname").Unique().NotEmpty().MaxRuneLen(30).Validate(text).Comment("the canonical name"),
	}
}

// Edges of Group.
func (Group) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("users", User.Type).Through("memberships", Membership.Type),
	}
}
