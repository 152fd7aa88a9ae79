using System.Text.Json;
using System.Text.Json.Serialization;

namespace VmSim.Host.Service;

/// <summary>How requests and answers are written: unknown fields, missing ones and nulls where none belong are refused.</summary>
internal static class ServiceJson
{
    /// <summary>Levels of a request and of an answer: a submission has four, the description of the interface some ten.</summary>
    private const int DepthMax = 32;

    /// <summary>The options.</summary>
    public static JsonSerializerOptions Options { get; } = Apply(new JsonSerializerOptions(JsonSerializerDefaults.Web));

    /// <summary>
    /// How a person's command reads what a service answers: as the options say, but for fields that it does not know, which a service of
    /// a later build may have.
    /// </summary>
    public static JsonSerializerOptions Answers { get; } = new(Options) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip };

    /// <summary>Gives options the same.</summary>
    public static JsonSerializerOptions Apply(JsonSerializerOptions options)
    {
        options.MaxDepth = DepthMax;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
        return options;
    }
}
