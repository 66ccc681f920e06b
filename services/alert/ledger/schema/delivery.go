package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Delivery is one alert to one address.
type Delivery struct{ ent.Schema }

// Annotations of Delivery.
func (Delivery) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("deliveries")}
}

// Fields of Delivery.
func (Delivery) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Int64("alert_id").Comment("the alert that is delivered"),
		field.Text("nickname").Comment("the recipient's when the alert was recorded"),
		field.Text("messenger").Comment("the messenger of the address"),
		field.Int8("rank").Comment("of the alert, for the index of due deliveries"),
		field.Text("destination").Comment("the destination of the address"),
		field.Bytes("credential").Sensitive().Comment("sealed"),
		field.Text("credential_key").Default("").Comment("the credential fingerprint; empty if unknown"),
		field.Int8("state").Comment("1 queued, 2 claimed, 3 sent, 4 failed, 5 expired, 6 canceled"),
		field.Int64("next_time").Comment("when it is due, while queued"),
		field.Bool("deferred").Default(false).Comment("deferred until next_time by a verdict or a sender; otherwise it is in the queue"),
		field.Text("slots").Default("").Comment("the slots that a sender reserved, while queued"),
		field.Int64("expire_time").Default(never).Comment("when it expires unless it is completed"),
		field.Int("tries").Default(0).Comment("attempts that count toward the backoff, until it is completed"),
		field.Bool("canceled").Default(false).Comment("the alert was canceled while it was claimed, or after it was not needed; or another delivery of its chain was sent while it was claimed"),
		field.Int64("fence").Default(0).Comment("the fencing token of the last claim"),
		field.Int("attempt_count").Default(0).Comment("recorded attempts"),
		field.Bool("possible_duplicate").Default(false).Comment("an attempt may have reached the provider, so later ones are possible duplicates"),
		field.Int64("claim_time").Default(0).Comment("when it was last claimed"),
		field.Int64("lease_time").Default(0).Comment("when the lease expires"),
		field.Text("sender").Default("").Comment("the sender of the last claim"),
		field.Bytes("claim_request").Optional().Comment("the request of the last claim"),
		field.Int64("chain").Default(0).Comment("the id of the first delivery of its failover chain; 0 for none"),
		field.Bool("held").Default(false).Comment("queued, and held until next_time by an earlier delivery of its chain, or blocked by its thread"),
		field.Text("thread").Default("").Comment("the name of its thread; empty if the alert has no key"),
		field.Int64("thread_order").Default(0).Comment("its order in the thread, by which the alerts of the key were recorded"),
		field.Bool("resolves").Default(false).Comment("the alert is resolved"),
		field.Int8("thread_kind").Default(0).Comment("0 an update of the incident, 1 a repeat of its state, 2 an acknowledgment"),
		field.Int8("hold").Default(0).Comment("why it waits until next_time, to be sent with others as one message: 0 for no reason, 1 quiet hours, 2 digest"),
		field.Int64("resume_time").Default(0).Comment("when it is due after the earlier deliveries of its thread are completed; 0 if not blocked"),
		field.Int64("callback").Default(0).Comment("the id of the callback endpoint to which its end is reported; 0 for none"),
		field.Text("reason").Default("").Comment("why it is completed; empty while it is not, and if it was sent"),
		field.Int64("end_time").Default(0).Comment("when it was completed"),
		field.Text("receipt_message").Default("").Comment("the provider's message id in the receipt; empty without a receipt"),
		field.Text("receipt_status").Default("").Comment("the provider's word, such as delivered; empty without a receipt"),
		field.Text("receipt_code").Default("").Comment("the provider's error code; empty for none"),
		field.Int64("receipt_time").Default(0).Comment("when the receipt was recorded"),
		field.Bool("receipt_final").Default(false).Comment("later receipts of the message are ignored"),
		field.Bool("receipt_failed").Default(false).Comment("the provider reported that the message was not delivered"),
	}
}

// never is the default expire time, in the year 9999.
const never = 253_370_764_800_000_000

// Indexes of Delivery. Queued, claimed, unsent, chained and held-back deliveries, and those of
// threads that are not completed, have partial indexes, so that their lookup does not depend on the number of
// all others.
func (Delivery) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("alert_id"),
		index.Fields("nickname", "alert_id"),
		index.Fields("rank", "next_time", "id").StorageKey("delivery_due").
			Annotations(entsql.IndexWhere("state = 1")),
		index.Fields("expire_time").StorageKey("delivery_expiring").
			Annotations(entsql.IndexWhere("state = 1")),
		index.Fields("lease_time").StorageKey("delivery_held").
			Annotations(entsql.IndexWhere("state = 2")),
		index.Fields("state", "alert_id").StorageKey("delivery_unsent").
			Annotations(entsql.IndexWhere("state >= 4")),
		index.Fields("chain").StorageKey("delivery_chain").
			Annotations(entsql.IndexWhere("chain <> 0")),
		index.Fields("thread", "thread_order").StorageKey("delivery_thread").
			Annotations(entsql.IndexWhere("(thread_order <> 0) AND (state <= 2)")),
		index.Fields("nickname", "messenger").StorageKey("delivery_held_back").
			Annotations(entsql.IndexWhere("(hold <> 0) AND (state <= 1)")),
	}
}
