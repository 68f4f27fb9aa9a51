// Tables of Application Insights that every query may name: AppEvents and AppPageViews in a Log Analytics workspace,
// customEvents and pageViews (the classic names) in the Application Insights resource itself.
// Source: the table references of Azure Monitor's documentation.
'use strict';

const CLASSIC_CONTEXT = `operation_Name:string, operation_Id:string, operation_ParentId:string,
  operation_SyntheticSource:string, session_Id:string, user_Id:string, user_AuthenticatedId:string,
  user_AccountId:string, application_Version:string, client_Type:string, client_Model:string, client_OS:string,
  client_IP:string, client_City:string, client_StateOrProvince:string, client_CountryOrRegion:string,
  client_Browser:string, cloud_RoleName:string, cloud_RoleInstance:string, appId:string, appName:string, iKey:string,
  sdkVersion:string, itemId:string, itemCount:int, _ResourceId:string`;

const WORKSPACE_CONTEXT = `OperationName:string, OperationId:string, ParentId:string, SyntheticSource:string,
  SessionId:string, UserId:string, UserAuthenticatedId:string, UserAccountId:string, AppVersion:string,
  AppRoleName:string, AppRoleInstance:string, ClientType:string, ClientModel:string, ClientOS:string,
  ClientIP:string, ClientCity:string, ClientStateOrProvince:string, ClientCountryOrRegion:string,
  ClientBrowser:string, ResourceGUID:string, IKey:string, SDKVersion:string, ItemCount:int, SourceSystem:string,
  Type:string, _ResourceId:string, _BilledSize:real, _IsBillable:string, _SubscriptionId:string`;

module.exports = {
  customEvents: `(timestamp:datetime, name:string, itemType:string, customDimensions:dynamic,
    customMeasurements:dynamic, ${CLASSIC_CONTEXT})`,
  pageViews: `(timestamp:datetime, id:string, name:string, url:string, duration:real, performanceBucket:string,
    itemType:string, customDimensions:dynamic, customMeasurements:dynamic, ${CLASSIC_CONTEXT})`,
  AppEvents: `(TenantId:string, TimeGenerated:datetime, Name:string, Properties:dynamic, Measurements:dynamic,
    ${WORKSPACE_CONTEXT})`,
  AppPageViews: `(TenantId:string, TimeGenerated:datetime, Id:string, Name:string, Url:string, DurationMs:real,
    PerformanceBucket:string, Properties:dynamic, Measurements:dynamic, ${WORKSPACE_CONTEXT})`,
};
