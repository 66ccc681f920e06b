package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Item is a delivery in an inbox, or an incident by its last delivery.
type Item struct{ ent.Schema }

// Annotations of Item.
func (Item) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("items")}
}

// Fields of Item.
func (Item) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").StorageKey("delivery_id").Annotations(entsql.Annotation{Incremental: new(bool)}).Comment("the delivery's id"),
		field.Text("nickname").Comment("the user whose inbox it is in"),
		field.Int64("number").Comment("the item's id in its inbox"),
		field.Text("alert_id").Comment("the alert that is delivered"),
		field.Text("severity").Comment("the alert's"),
		field.Text("title").Comment("the alert's; empty for none"),
		field.Text("text").Comment("the text that was sent"),
		field.Text("link").Comment("the alert's; empty for none"),
		field.Text("alert_key").Comment("the alert key; empty for none"),
		field.Bool("resolved").Comment("the alert is resolved"),
		field.Int64("create_time").Comment("when the alert was accepted"),
		field.Int64("store_time").Comment("when the item was stored"),
		field.Int64("read_time").Default(0).Comment("when the item was read"),
		field.Bool("archived").Default(false).Comment("hidden from lists; it is read"),
		field.Bool("read_reported").Default(false).Comment("the alert service has recorded that it was read, or it changed since"),
		field.Int64("position").Default(0).Comment("the number, or that of the last change"),
		field.Int64("update_time").Default(0).Comment("when the item was stored, or changed last"),
		field.Int64("incident").Default(0).Comment("the incident; 0 for none"),
		field.Bool("acknowledged").Default(false).Comment("the alert is an acknowledgment"),
		field.Text("ack_url").Default("").Comment("the page of acknowledgment; empty for none"),
		field.Int64("rank").Default(0).Comment("of the last firing alert"),
	}
}

// Indexes of Item. Unread items, and read ones that are not reported, have partial indexes, so
// that their lookup does not depend on the number of all others.
func (Item) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("nickname", "number").Unique(),
		index.Fields("nickname", "archived", "number"),
		index.Fields("nickname", "position").Unique(),
		index.Fields("nickname", "incident").StorageKey("item_incident").Unique().
			Annotations(entsql.IndexWhere("incident <> 0")),
		index.Fields("update_time"),
		index.Fields("nickname", "number").StorageKey("item_unread").
			Annotations(entsql.IndexWhere("read_time = 0")),
		index.Fields("read_time").StorageKey("item_unreported").
			Annotations(entsql.IndexWhere("(read_time <> 0) AND (NOT read_reported)")),
	}
}
