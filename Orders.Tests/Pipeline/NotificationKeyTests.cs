using System.Text.RegularExpressions;
using Notifications.Worker.Pipeline;

namespace Orders.Tests.Pipeline;

public sealed partial class NotificationKeyTests
{
    /// <summary>Keys that are easily taken for one another.</summary>
    private static readonly NotificationKey[] Keys =
    [
        new("a", "b-c"), new("a-b", "c"), new("a-b-c"), new("a", "b+c"), new("a+b", "c"), new("a+b+c"), new("a+b"), new("a", "b"),
        new("a/b", "c"), new("a", "b/c"), new("a/b/c"), new("a%2Bb", "c"), new("a%002Bb", "c"), new("a%", "002Bb+c"), new("%"), new("%%"), new("%0025"),
        new(""), new("", ""), new("a"), new("a", ""), new("", "a"), new("A"), new("a."), new("a", "."), new("a.", "b"), new("a", ".b"), new("a..b"),
        new("é"), new("e\u0301"), new("\ud800"), new("\udbff"), new("\ufffd"), new("%sha256-"),
        new(new string('x', 200)), new(new string('x', 100), new string('x', 100)), new(new string('x', 99), new string('x', 101)), new(new string('%', 300)),
    ];

    [TestCase("12345")]
    [TestCase("A.b_c-1")]
    [TestCase("..")]
    public void The_key_of_a_whole_order_is_its_id_as_it_always_was(string orderId) =>
        Assert.That(new NotificationKey(orderId).ToString(), Is.EqualTo(orderId));

    [Test]
    public void A_part_of_an_order_has_its_reference_in_the_key() =>
        Assert.That(new NotificationKey("12345", "1Z999").ToString(), Is.EqualTo("12345+1Z999"));

    [Test]
    public void Different_keys_never_share_a_text() =>
        Assert.That(Keys.Select(key => key.ToString()), Is.Unique);

    [TestCase("12345", null, "12345")]
    [TestCase("A.b_c-1", null, "A.b_c-1")]
    [TestCase(".a", null, ".a")]
    [TestCase("a.", null, "a%002E")]
    [TestCase("a..b", null, "a%002E.b")]
    [TestCase("a%002E", null, "a%0025002E")]
    [TestCase("a@b>c", null, "a%0040b%003Ec")]
    [TestCase("ü\r\n", null, "%00FC%000D%000A")]
    [TestCase("", null, "")]
    [TestCase("12345", "1Z999", "12345+1Z999")]
    [TestCase("a.", ".b.", "a%002E+.b%002E")]
    [TestCase("a+b", "c/d", "a%002Bb+c%002Fd")]
    public void The_message_id_names_the_notification_and_is_valid_whatever_the_ids(string orderId, string? reference, string encoded)
    {
        var messageId = new NotificationKey(orderId, reference).MessageIdOf("order-packed", "shop.example");

        Assert.That(messageId, Is.EqualTo($"<order-packed-{encoded}@shop.example>"));
        Assert.That(messageId, Does.Match(DotAtomMessageId()));
    }

    [Test]
    public void Different_keys_never_share_a_message_id()
    {
        var messageIds = Keys.Append(new NotificationKey(new string('x', 50_000))).Select(key => key.MessageIdOf("order-packed", "shop.example")).ToArray();

        Assert.That(messageIds, Is.Unique);
        Assert.That(messageIds, Has.All.Match(DotAtomMessageId()));
        Assert.That(messageIds, Has.All.Length.LessThan(300));
    }

    [GeneratedRegex(@"^<[A-Za-z0-9%+_-]+(\.[A-Za-z0-9%+_-]+)*@shop\.example>$", RegexOptions.CultureInvariant)]
    private static partial Regex DotAtomMessageId();
}
