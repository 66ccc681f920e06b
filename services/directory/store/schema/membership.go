package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Membership is a user in a group.
type Membership struct{ ent.Schema }

// Annotations of Membership.
func (Membership) Annotations() []schema.Annotation {
	return []schema.Annotation{
		entsql.Table("groups_users"),
		field.ID("group_id", "user_id"),
	}
}

// Fields of Membership.
func (Membership) Fields() []ent.Field {
	return []ent.Field{
		field.Int("group_id").Comment("the group"),
		field.Int("user_id").Comment("the member"),
	}
}

// Edges of Membership.
func (Membership) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("group", Group.Type).Field("group_id").Unique().Required().
			StorageKey(edge.Symbol("groups_users_group_id")).Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("user", User.Type).Field("user_id").Unique().Required().
			StorageKey(edge.Symbol("groups_users_user_id")).Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes of Membership. The primary key serves queries by group; this index serves
// queries by user, above all the deletion of a user.
func (Membership) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("user_id"),
	}
}
