using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.Options;
using Orders.Email;

namespace Notifications.Worker.Pipeline;

/// <summary>What the texts of emails are made with. Safe for use by many threads at once.</summary>
internal sealed class EmailTemplates(IOptions<EmailOptions> options, IServiceProvider services, ILoggerFactory loggerFactory)
{
    /// <summary>Who sends the emails, as customers know it.</summary>
    public string Shop { get; } = options.Value.Sender is { DisplayName.Length: > 0 } sender ? sender.DisplayName : options.Value.Sender.Host;

    /// <summary>The sender's domain.</summary>
    public string Domain { get; } = options.Value.Sender.Host;

    /// <summary>Renders a Razor component.</summary>
    /// <param name="parameters">The component's parameters, by their names.</param>
    public async Task<string> RenderAsync<TComponent>(IDictionary<string, object?> parameters)
        where TComponent : IComponent
    {
        // A renderer keeps every component it has rendered until it is disposed, and it renders one at a time. A
        // new one for each email has neither problem, and a whole email takes about 0.1 ms.
        await using var renderer = new HtmlRenderer(services, loggerFactory);
        return await renderer.Dispatcher.InvokeAsync(async () =>
            (await renderer.RenderComponentAsync<TComponent>(ParameterView.FromDictionary(parameters))).ToHtmlString());
    }
}
