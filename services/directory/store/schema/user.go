package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
)

// User is a person who can be notified.
type User struct{ ent.Schema }

// Annotations of User.
func (User) Annotations() []schema.Annotation {
	return []schema.Annotation{
		entsql.Table("users"),
		entsql.Checks(map[string]string{"nickname_length": "length(nickname) BETWEEN 1 AND 30"}),
	}
}

// Fields of User.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.String("nickname").Unique().NotEmpty().MaxRuneLen(30).Validate(text).Comment("the canonical name"),
		field.Bool("failover").Default(false).Comment("one address after the other, not all"),
		field.Text("quiet_hours").Default("").Comment("JSON of quiethours.Hours; empty for none"),
	}
}

// Edges of User.
func (User) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("addresses", Address.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.From("groups", Group.Type).Ref("users").Through("memberships", Membership.Type),
	}
}
