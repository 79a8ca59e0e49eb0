using System.Text;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Orders.ServiceDefaults.Protection;

namespace Orders.ServiceDefaults.Pages;

/// <summary>Razor components as whole pages of plain HTML.</summary>
public static class RenderedPage
{
    /// <summary>Renders a page, of which browsers run and load nothing but what lies beside it.</summary>
    public static async Task<IResult> ShowAsync<TPage>(HttpContext http, IDictionary<string, object?> parameters, int status = StatusCodes.Status200OK)
        where TPage : IComponent
    {
        var services = http.RequestServices;
        http.Response.Headers.ContentSecurityPolicy = SecurityHeaders.PolicyOfPages;
        await using var renderer = new HtmlRenderer(services, services.GetRequiredService<ILoggerFactory>());
        var html = await renderer.Dispatcher.InvokeAsync(
            async () => (await renderer.RenderComponentAsync<TPage>(ParameterView.FromDictionary(parameters))).ToHtmlString());
        return TypedResults.Content(html, "text/html", Encoding.UTF8, status);
    }
}
