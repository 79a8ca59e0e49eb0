namespace Orders.Tests.Api;

/// <summary>What every refusal has in common.</summary>
internal static class Refusal
{
    /// <summary>Asserts problem details (RFC 9457) that tell no insides, and that nothing was published.</summary>
    public static void Expect(this ApiUnderTest api, ApiUnderTest.Answer answer, int status)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(status), answer.Body);
            Assert.That(answer.ContentHeaders.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
            Assert.That((int?)answer.Json["status"], Is.EqualTo(status));
            Assert.That(answer.Title, Is.Not.Null.And.Not.Empty);
            Assert.That(answer.Detail, Is.Not.Null.And.Not.Empty);
            Assert.That(answer.Body, Does.Not.Contain("   at ").And.Not.Contain("Exception").And.Not.Contain("System."));
            Assert.That(api.TakePublished(), Is.Empty);
            Assert.That(api.TakeShipments(), Is.Empty);
        }
    }
}
