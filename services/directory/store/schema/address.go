package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Address is a user's messenger, credential and destination.
type Address struct{ ent.Schema }

// Annotations of Address.
func (Address) Annotations() []schema.Annotation {
	return []schema.Annotation{
		entsql.Table("users_messengers"),
		entsql.Checks(map[string]string{
			"service_type_length": "length(service_type) BETWEEN 1 AND 10",
			"target_length":       "length(target) <= 255",
		}),
	}
}

// Fields of Address. The token is sealed, and so longer than the 255 characters of the
// older service.
func (Address) Fields() []ent.Field {
	return []ent.Field{
		field.Int("user_id").Comment("the user of the address"),
		field.String("messenger").StorageKey("service_type").NotEmpty().MaxRuneLen(10).Validate(text).Comment("the name of the messenger"),
		field.Bytes("sealed_credential").StorageKey("token").Sensitive().Comment("the credential, sealed for the address"),
		field.String("destination").StorageKey("target").MaxRuneLen(255).Validate(text).Comment("where the messenger delivers; empty where the credential names it"),
		field.String("credential_key").Default("").MaxRuneLen(64).Validate(text).Comment("the credential's fingerprint; empty until it is made"),
		field.Int("rank").Default(0).Range(0, 1000).Comment("the lower is used first"),
	}
}

// Edges of Address.
func (Address) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("user", User.Type).Ref("addresses").Field("user_id").Unique().Required(),
	}
}

// Indexes of Address.
func (Address) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("user_id", "messenger").Unique(),
	}
}
