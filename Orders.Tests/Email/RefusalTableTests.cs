using System.Globalization;
using System.Text.RegularExpressions;
using Notifications.Worker.Email.Refusals;

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
        Assert.That(RefusalTable.Sort(refusal), Is.EqualTo(blame));

    [Test]
    public void The_documentation_has_many_rows_each_with_its_source() =>
        Assert.That(Rows.Count(), Is.GreaterThanOrEqualTo(60));

    [TestCase(SmtpStage.Recipient, 550, "Nothing that anybody foresaw", Blame.Email)]
    [TestCase(SmtpStage.Recipient, 450, "Nothing that anybody foresaw", Blame.EmailForNow)]
    [TestCase(SmtpStage.Recipient, 550, "5.7.1 Messages to this recipient are blocked", Blame.Email)]
    [TestCase(SmtpStage.Recipient, 550, "4.1.1 The class of the code is another one's", Blame.Email)]
    [TestCase(SmtpStage.Content, 550, "5.7.1 This looks like spam", Blame.Email)]
    [TestCase(SmtpStage.Content, 550, "5.7.1 Quota exceeded", Blame.Rate)]
    [TestCase(SmtpStage.Sender | SmtpStage.Data, 554, "5.5.1 No valid recipients", Blame.Email)]
    [TestCase(SmtpStage.Sender | SmtpStage.Data, 550, "", Blame.Us)]
    public void What_no_row_knows_goes_by_its_code_and_by_how_far_the_email_came(object stage, int code, string text, object blame) =>
        Assert.That(RefusalTable.Sort(new Refusal((SmtpStage)stage, code, text)), Is.EqualTo(blame));

    [GeneratedRegex(@"^\| (?<stage>\w+) \| `(?<code>\d{3}) (?<text>[^`]*)` \| (?<blame>[^|]+) \| .{8,} \|$")]
    private static partial Regex Row();
}
