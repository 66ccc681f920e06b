package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Template is a text template for the messages of a messenger.
type Template struct{ ent.Schema }

// Annotations of Template.
func (Template) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("templates")}
}

// Fields of Template.
func (Template) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("name").Comment("messenger/severity"),
		field.Text("messenger").Comment("the messenger whose messages it makes"),
		field.Text("severity").Comment("the severity that it applies to; empty for every other"),
		field.Text("template").Comment("the text template"),
	}
}
