using Contracts;

namespace Orders.Tests.Contracts;

public sealed class OneLineTests
{
    [TestCase("", false)]
    [TestCase("a", true)]
    [TestCase("abc", true)]
    [TestCase("abcd", false)]
    [TestCase("💻💻💻", true)]
    [TestCase("💻💻💻💻", false)]
    [TestCase("a\n", false)]
    [TestCase("\u0085", false)]
    [TestCase("\u007f", false)]
    [TestCase("\u2028", true)]
    public void It_is_so_many_characters_and_no_control_character(string text, bool isValid) =>
        Assert.That(OneLine.IsValid(text, longest: 3), Is.EqualTo(isValid));

    [Test]
    public void Half_of_a_character_is_none()
    {
        Assert.That(OneLine.IsValid("a\ud83d", longest: 3), Is.False);
        Assert.That(OneLine.IsValid("\udcbba", longest: 3), Is.False);
    }
}
