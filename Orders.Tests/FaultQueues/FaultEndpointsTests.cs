using Orders.FaultQueues;

namespace Orders.Tests.FaultQueues;

public sealed class FaultEndpointsTests
{
    [Test]
    public void The_only_endpoint_is_the_default_one() =>
        Assert.That(new FaultEndpoints([new FaultEndpoint("billing")]).Default.Queue, Is.EqualTo("billing"));

    [Test]
    public void The_audit_trail_is_named_after_the_default_one_wherever_it_stands() =>
        Assert.That(Of("billing", "order-confirmation*").AuditStream, Is.EqualTo("order-confirmation_audit"));

    [Test]
    public void An_endpoint_is_found_by_its_name_alone()
    {
        var endpoints = Of("billing", "order-confirmation*");

        Assert.That(endpoints.TryGet("billing", out var found), Is.True);
        Assert.That(found?.Error.Name, Is.EqualTo("billing_error"));
        Assert.That(endpoints.TryGet("Billing", out _), Is.False);
        Assert.That(endpoints.TryGet(null, out _), Is.False);
    }

    [TestCase("One of 2 endpoints must be the default; none is.", "billing", "shipping")]
    [TestCase("The endpoints billing and shipping cannot both be the default.", "billing*", "shipping*")]
    [TestCase("No endpoint can be called audit: addresses of the fault queues use the word. Rename the queue.", "billing*", "audit")]
    [TestCase("No endpoint can be called error: addresses of the fault queues use the word. Rename the queue.", "error")]
    [TestCase("No endpoint can be called API: addresses of the fault queues use the word. Rename the queue.", "API")]
    [TestCase("No endpoint can be called a/b: addresses of the fault queues cannot hold its '/'. Rename the queue.", "a/b")]
    [TestCase("Two endpoints use the queue billing. Give each a name of its own.", "billing*", "billing")]
    [TestCase("Two endpoints use the queue billing_error. Give each a name of its own.", "billing*", "billing_error")]
    public void What_could_not_be_told_apart_is_refused(string error, params string[] endpoints) =>
        Assert.That(() => Of(endpoints), Throws.InvalidOperationException.With.Message.EqualTo(error));

    /// <param name="names">The queues; a star marks the default endpoint.</param>
    private static FaultEndpoints Of(params string[] names) =>
        new(names.Select(name => new FaultEndpoint(name.TrimEnd('*')) { IsDefault = name.EndsWith('*') }));
}
