using Orders.Messaging;
using RabbitMQ.Client;

namespace Orders.Tests.Messaging;

/// <summary>What is left of a message that the broker would not take as it is.</summary>
internal sealed class CarriedPropertiesTests
{
    private const uint FrameMax = 131_072;

    [Test]
    public void A_message_that_can_be_carried_is_carried_whole_and_says_nothing_of_it()
    {
        var properties = Basic(("x-tenant", "shop-1"));
        (properties.MessageId, properties.ReplyTo, properties.Priority, properties.Persistent) = ("m-1", "answers", 3, false);

        var carried = Carry(properties);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((carried.MessageId, carried.ReplyTo, carried.Priority), Is.EqualTo(("m-1", "answers", (byte)3)));
            Assert.That(carried.Persistent, Is.True, "What is set aside outlives the broker's restart.");
            Assert.That(carried.Headers, Is.EqualTo(properties.Headers));
        }
    }

    [Test]
    public void What_the_broker_would_ask_for_is_left_out_and_named()
    {
        var properties = Basic();
        (properties.UserId, properties.Expiration, properties.ReplyTo) = ("somebody", "1000", "amq.rabbitmq.reply-to");

        var carried = Carry(properties);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(carried.IsUserIdPresent() || carried.IsExpirationPresent() || carried.IsReplyToPresent(), Is.False);
            Assert.That(carried.Headers![CarriedProperties.LeftOut], Is.EqualTo("reply_to, user_id, expiration"));
        }
    }

    [Test]
    public void Text_that_grew_when_it_was_read_is_left_out()
    {
        // 200 bytes that are no UTF-8, as the client reads them.
        var grown = new string('\uFFFD', 200);
        var properties = Basic((grown, "x"), ("x-table", new Dictionary<string, object?> { [grown] = 1 }));
        (properties.MessageId, properties.Type) = (grown, grown);

        var carried = Carry(properties);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(carried.IsMessageIdPresent() || carried.IsTypePresent(), Is.False);
            Assert.That(carried.Headers!.Keys, Is.EqualTo([CarriedProperties.LeftOut]));
            Assert.That(carried.Headers[CarriedProperties.LeftOut], Does.StartWith("message_id, type"));
        }
    }

    [Test]
    public void The_largest_headers_go_first_and_ours_last()
    {
        var carried = Carry(Basic(("MT-Fault-Message", new string('m', 60_000)), ("x-small", "s"), ("x-large", new string('l', 60_000)), ("x-middle", new string('n', 30_000))));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(carried.Headers!.Keys, Is.EquivalentTo(["MT-Fault-Message", "x-small", "x-middle", CarriedProperties.LeftOut]));
            Assert.That(carried.Headers[CarriedProperties.LeftOut], Is.EqualTo("x-large (60000 bytes)"));
        }
    }

    [Test]
    public void Headers_of_ours_are_cut_where_nothing_else_is_left()
    {
        var carried = Carry(Basic(("MT-Fault-Message", new string('m', 100_000)), ("MT-Fault-StackTrace", new string('s', 100_000)), ("x-small", "s")));

        Assert.That(carried.Headers!.Keys, Has.Exactly(1).StartsWith("MT-"));
    }

    [Test]
    public void What_was_missing_before_stays_named_once()
    {
        var properties = Basic((CarriedProperties.LeftOut, "x-large (60000 bytes), user_id"u8.ToArray()));
        properties.UserId = "somebody";

        Assert.That(Carry(properties).Headers![CarriedProperties.LeftOut], Is.EqualTo("x-large (60000 bytes), user_id"));
    }

    [Test]
    public void Without_a_limit_every_header_is_carried()
    {
        var properties = Basic(("x-large", new string('l', 1_000_000)));

        Assert.That(CarriedProperties.Carry(properties, frameMax: 0, IsOurs).Headers, Is.EqualTo(properties.Headers));
    }

    [Test]
    public void Of_a_message_that_is_refused_there_is_left_what_the_program_needs()
    {
        var properties = Basic(("MT-Reason", "fault"), ("x-tenant", "shop-1"));
        (properties.ContentType, properties.MessageId, properties.AppId) = ("application/json", "m-1", "shop");

        var bare = CarriedProperties.Carry(properties, FrameMax, IsOurs, onlyOurs: true);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((bare.ContentType, bare.MessageId, bare.IsAppIdPresent()), Is.EqualTo(("application/json", "m-1", false)));
            Assert.That(bare.Headers!.Keys, Is.EquivalentTo(["MT-Reason", CarriedProperties.LeftOut]));
            Assert.That(bare.Headers[CarriedProperties.LeftOut], Is.EqualTo("app_id, x-tenant"));
        }
    }

    [Test]
    public void What_goes_on_to_other_messages_asks_for_no_copies_and_fits()
    {
        var headers = new Dictionary<string, object> { ["CC"] = "elsewhere", ["x-large"] = new string('l', 130_900), ["x-tenant"] = "shop-1" };

        var propagated = CarriedProperties.Propagate(headers, FrameMax);

        Assert.That(propagated, Is.EquivalentTo(new Dictionary<string, object> { ["x-tenant"] = "shop-1", [CarriedProperties.LeftOut] = "CC, x-large" }));
        Assert.That(CarriedProperties.Propagate(new Dictionary<string, object> { ["x-tenant"] = "shop-1" }, FrameMax), Is.Null);
    }

    private static IEnumerable<TestCaseData> Unreadable =>
    [
        new TestCaseData("", "text", "(no name)").SetArgDisplayNames("no name"),
        new TestCaseData("x-table", new Dictionary<string, object?> { [""] = 1 }, "x-table").SetArgDisplayNames("a field without a name"),
        new TestCaseData("x-list", new List<object?> { new Dictionary<string, object?> { [""] = 1 } }, "x-list").SetArgDisplayNames("one in a list"),
        new TestCaseData("x-number", double.NaN, "x-number").SetArgDisplayNames("not a number"),
        new TestCaseData("x-number", float.PositiveInfinity, "x-number").SetArgDisplayNames("infinite"),
        new TestCaseData("x-deep", Enumerable.Range(0, 100).Aggregate((object)1, (inner, _) => new List<object?> { inner }), "x-deep").SetArgDisplayNames("deep"),
    ];

    [TestCaseSource(nameof(Unreadable))]
    public void What_nobody_could_read_again_is_not_given_to_what_is_sent_because_of_a_message(string name, object value, string leftOut)
    {
        var propagated = CarriedProperties.Propagate(new Dictionary<string, object> { ["x-tenant"] = "shop-1", [name] = value }, FrameMax);

        Assert.That(propagated, Is.EquivalentTo(new Dictionary<string, object> { ["x-tenant"] = "shop-1", [CarriedProperties.LeftOut] = leftOut }));
    }

    private static bool IsOurs(string name) => name.StartsWith("MT-", StringComparison.Ordinal);

    private static BasicProperties Carry(BasicProperties properties) => CarriedProperties.Carry(properties, FrameMax, IsOurs);

    private static BasicProperties Basic(params (string Name, object? Value)[] headers) =>
        new() { Headers = headers.ToDictionary(header => header.Name, header => header.Value) };
}
