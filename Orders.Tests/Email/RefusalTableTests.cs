using System.Globalization;
using System.Text.RegularExpressions;
using Orders.Email.Refusals;

namespace Orders.Tests.Email;

/// <summary>Each row of <c>docs/mail-refusals.md</c> is true.</summary>
internal sealed partial class RefusalTableTests
{
    private static readonly Dictionary<string, Blame> Blames = new()
    {
        ["us"] = Blame.Us,
        ["us, for now"] = Blame.UsForNow,
        ["our rate"] = Blame.Rate,
        ["the connection"] = Blame.Connection,
        ["the server"] = Blame.Server,
        ["the email, for now"] = Blame.EmailForNow,
        ["the email"] = Blame.Email,
    };

    private static IEnumerable<TestCaseData> Rows =>
        from line in File.ReadLines(Path.Combine(Repository.Root, "docs", "mail-refusals.md"))
        let row = Row().Match(line)
        where row.Success
        let refusal = new Refusal(
            Enum.Parse<SmtpStage>(row.Groups["stage"].Value), int.Parse(row.Groups["code"].Value, CultureInfo.InvariantCulture), row.Groups["text"].Value)
        select new TestCaseData(refusal, Blames[row.Groups["blame"].Value]).SetArgDisplayNames(line);

    [TestCaseSource(nameof(Rows))]
    public void The_documentation_says_who_is_to_blame(Refusal refusal, object blame) =>
        Assert.That(RefusalTable.Find(refusal), Is.EqualTo(blame));

    [Test]
    public void The_documentation_has_many_rows_each_with_its_source() =>
        Assert.That(Rows.Count(), Is.GreaterThanOrEqualTo(60));

    [TestCase(SmtpStage.Recipient, 550, "Nothing that anybody foresaw", Blame.Email)]
    [TestCase(SmtpStage.Recipient, 450, "Nothing that anybody foresaw", Blame.EmailForNow)]
    [TestCase(SmtpStage.Recipient, 450, "4.7.1 Nothing that anybody foresaw", Blame.Rate)]
    [TestCase(SmtpStage.Recipient, 550, "5.7.1 Messages to this recipient are blocked", Blame.Email)]
    [TestCase(SmtpStage.Recipient, 550, "4.1.1 The class of the code is another one's", Blame.Email)]
    [TestCase(SmtpStage.Content, 550, "5.7.1 This looks like spam", Blame.Email)]
    [TestCase(SmtpStage.Content, 550, "5.7.1 Quota exceeded", Blame.Rate)]
    [TestCase(SmtpStage.Sender | SmtpStage.Data, 554, "5.5.1 No valid recipients", Blame.Email)]
    [TestCase(SmtpStage.Sender | SmtpStage.Data, 550, "", Blame.Us)]
    public void What_no_row_knows_goes_by_its_code_and_by_how_far_the_email_came(object stage, int code, string text, object blame) =>
        Assert.That(RefusalTable.Find(new Refusal((SmtpStage)stage, code, text)), Is.EqualTo(blame));

    /// <summary>Of what is about one customer, nothing may keep the emails of the others.</summary>
    [TestCase(SmtpStage.Recipient, 450, "4.1.2 <rcpthosts@relay.example>: Recipient address rejected: Domain not found", Blame.EmailForNow)]
    [TestCase(SmtpStage.Recipient, 550, "5.1.1 <sender.limit@starttls.example>: User unknown", Blame.Email)]
    [TestCase(SmtpStage.Recipient, 450, "4.2.2 <hourly@quota.example> mailbox full", Blame.EmailForNow)]
    [TestCase(SmtpStage.Recipient, 550, "5.7.1 <info@relay.example>: access denied", Blame.Email)]
    [TestCase(SmtpStage.Recipient, 450, "4.2.0 Greylisted, try again in a minute", Blame.EmailForNow)]
    [TestCase(SmtpStage.Recipient, 451, "4.7.1 Try again later", Blame.EmailForNow)]
    [TestCase(SmtpStage.Recipient, 454, "4.7.1 <bob@example.com>: Recipient address rejected: Access denied", Blame.EmailForNow)]
    [TestCase(SmtpStage.Recipient, 554, "delivery error: dd This account has been disabled or discontinued [#102].", Blame.Email)]
    [TestCase(SmtpStage.Recipient, 550, "This mailbox has been suspended", Blame.Email)]
    [TestCase(SmtpStage.Recipient, 550, "The mail server could not deliver mail to bob@example.com. The account or domain may not exist, they may be blacklisted, or missing the proper dns entries.", Blame.Email)]
    [TestCase(SmtpStage.Recipient, 550, "5.7.1 RESOLVER.RST.AuthRequired; authentication required", Blame.Email)]
    [TestCase(SmtpStage.Recipient, 550, "5.7.1 You are not allowed to send to this address", Blame.Email)]
    [TestCase(SmtpStage.Recipient, 550, "5.7.1 Sender blocked by recipient", Blame.Email)]
    [TestCase(SmtpStage.Recipient, 552, "user quota exceeded", Blame.Email)]
    [TestCase(SmtpStage.Recipient, 552, "quota exceeded", Blame.Email)]
    [TestCase(SmtpStage.Content, 554, "5.7.1 Too many links", Blame.Email)]
    [TestCase(SmtpStage.Content, 554, "Too many attachments", Blame.Email)]
    [TestCase(SmtpStage.Sender | SmtpStage.Recipient | SmtpStage.Data, 554, "5.7.1 Rejected", Blame.Email)]
    public void What_is_about_one_recipient_is_no_refusal_of_us(object stage, int code, string text, object blame) =>
        Assert.That(RefusalTable.Find(new Refusal((SmtpStage)stage, code, text)), Is.EqualTo(blame));

    [Test]
    public void What_the_customer_has_chosen_is_not_read() =>
        Assert.That(
            RefusalTable.Find(new Refusal(SmtpStage.Recipient, 550, "Unknown user relay in domain rcpthosts.example").Without(new("relay@rcpthosts.example"))),
            Is.EqualTo(Blame.Email));

    [GeneratedRegex(@"^\| (?<stage>\w+) \| `(?<code>\d{3}) (?<text>[^`]*)` \| (?<blame>[^|]+) \| .{8,} \|$")]
    private static partial Regex Row();
}
