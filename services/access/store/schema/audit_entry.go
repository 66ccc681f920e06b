package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// AuditEntry is one call.
type AuditEntry struct{ ent.Schema }

// Annotations of AuditEntry.
func (AuditEntry) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("audit_entries")}
}

// Fields of AuditEntry.
func (AuditEntry) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Comment("orders the entries of one moment"),
		field.Int64("time").Comment("when the call ended"),
		field.Text("caller").Comment("the id of the API key, or oidc:SUBJECT for a token; empty without a caller"),
		field.Text("caller_name").Comment("the name of the API key, or the name in the token"),
		field.Text("address").Comment("the address of the client"),
		field.Text("procedure").Comment("the method"),
		field.Text("resource").Comment("what the call was for"),
		field.Text("outcome").Comment("ok, or the code of the error"),
		field.Text("request_id").Comment("the id of the request in the access log"),
		field.Text("trace_id").Comment("the id of the trace; empty for none"),
	}
}

// Indexes of AuditEntry.
func (AuditEntry) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("time", "id"),
		index.Fields("caller", "time", "id"),
		index.Fields("resource", "time", "id"),
	}
}
