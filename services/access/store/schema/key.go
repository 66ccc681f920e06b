package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Key is an API key.
type Key struct{ ent.Schema }

// Annotations of Key.
func (Key) Annotations() []schema.Annotation {
	return []schema.Annotation{
		entsql.Table("keys"),
		entsql.Checks(map[string]string{"secret_hash_length": "length(secret_hash) = 32"}),
	}
}

// Fields of Key.
func (Key) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").NotEmpty().MaxLen(40).Validate(text).Comment("the public part of the key"),
		field.Bytes("secret_hash").Sensitive().Immutable().Comment("the SHA-256 of the secret"),
		field.String("name").NotEmpty().MaxRuneLen(100).Validate(text).Comment("whose key it is"),
		field.String("role").NotEmpty().MaxLen(20).Validate(text).Comment("what the key may do"),
		field.String("nickname").MaxRuneLen(30).Validate(text).Comment("the user whose key it is; empty for none"),
		field.Int64("create_time").Comment("when the key was created"),
		field.Int64("expire_time").Comment("when the key expires"),
		field.Int64("revoke_time").Default(0).Comment("when the key was revoked"),
		field.Int64("last_use_time").Default(0).Comment("when the key was last used"),
		field.Strings("allowed_addresses").Comment("addresses and networks from which it is accepted; empty for all"),
	}
}
