package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// EarlierDelivery is a delivery of an item whose last delivery is another one.
type EarlierDelivery struct{ ent.Schema }

// Annotations of EarlierDelivery.
func (EarlierDelivery) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("earlier_deliveries")}
}

// Fields of EarlierDelivery.
func (EarlierDelivery) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").StorageKey("delivery_id").Annotations(entsql.Annotation{Incremental: new(bool)}).Comment("the delivery's id"),
		field.Text("nickname").Comment("the user whose inbox it is in"),
		field.Int64("number").Comment("the item's id in its inbox"),
		field.Int64("read_time").Default(0).Comment("when the item was read"),
		field.Bool("read_reported").Default(false).Comment("the alert service has recorded that it was read"),
	}
}

// Indexes of EarlierDelivery.
func (EarlierDelivery) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("nickname", "number"),
		index.Fields("read_time").StorageKey("earlier_delivery_unreported").
			Annotations(entsql.IndexWhere("(read_time <> 0) AND (NOT read_reported)")),
	}
}
